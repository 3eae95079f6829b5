use std::{fmt, str::FromStr};

/// A GPU as an operator names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GpuDevice {
    /// The one that can be seen.
    #[default]
    Auto,
    /// By its UUID, `GPU-…` or `MIG-…`.
    Uuid(String),
    /// By its number as NVML counts, from 0 in the order of the PCI bus.
    Index(u32),
    /// By its address on the PCI bus, `00000000:17:00.0` or `17:00.0`.
    Pci(String),
}

/// A text that names no GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidGpuDevice;

impl FromStr for GpuDevice {
    type Err = InvalidGpuDevice;

    fn from_str(text: &str) -> Result<Self, InvalidGpuDevice> {
        let named = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit() || "-/".contains(c));
        match text {
            "auto" => Ok(Self::Auto),
            _ if text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().map(Self::Index).map_err(|_| InvalidGpuDevice)
            }
            _ if text.starts_with("GPU-") && named(&text[4..]) => Ok(Self::Uuid(text.to_owned())),
            // Older drivers name a slice by its GPU and two numbers, `MIG-GPU-…/1/0`.
            _ if text.starts_with("MIG-") && named(text[4..].trim_start_matches("GPU-")) => {
                Ok(Self::Uuid(text.to_owned()))
            }
            _ if is_pci(text) => Ok(Self::Pci(text.to_ascii_lowercase())),
            _ => Err(InvalidGpuDevice),
        }
    }
}

/// `domain:bus:device.function` in hexadecimal, the domain left out or not.
fn is_pci(text: &str) -> bool {
    let hex =
        |part: &str, digits: &[usize]| digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit());
    let Some((rest, function)) = text.rsplit_once('.') else { return false };
    let parts: Vec<&str> = rest.split(':').collect();
    let fits = match parts.as_slice() {
        [bus, device] => hex(bus, &[2]) && hex(device, &[2]),
        [domain, bus, device] => hex(domain, &[4, 8]) && hex(bus, &[2]) && hex(device, &[2]),
        _ => false,
    };
    fits && hex(function, &[1])
}

impl fmt::Display for GpuDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Uuid(text) | Self::Pci(text) => f.write_str(text),
            Self::Index(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_named_by_word_uuid_number_or_address() {
        let uuid = "GPU-8f6d1c2e-0b1a-4c3d-9e8f-7a6b5c4d3e2f";
        for (text, device) in [
            ("auto", GpuDevice::Auto),
            (uuid, GpuDevice::Uuid(uuid.to_owned())),
            ("MIG-GPU-8f6d1c2e-0b1a/1/0", GpuDevice::Uuid("MIG-GPU-8f6d1c2e-0b1a/1/0".to_owned())),
            ("3", GpuDevice::Index(3)),
            ("0000:AF:00.0", GpuDevice::Pci("0000:af:00.0".to_owned())),
            ("17:00.0", GpuDevice::Pci("17:00.0".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(device.clone()));
            assert_eq!(device.to_string(), text.replace("AF", "af"));
        }
        for text in ["", "first", "-1", "GPU-xyz", "17:00", "1:2:3:4.5", "99999999999"] {
            assert_eq!(text.parse::<GpuDevice>(), Err(InvalidGpuDevice), "{text}");
        }
    }
}
