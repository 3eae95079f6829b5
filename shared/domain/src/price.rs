use crate::Usage;

/// What a provider asks for tokens, as it is configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    /// Of a million tokens of prompts.
    pub input: f64,
    /// Of a million tokens of answers.
    pub output: f64,
    /// In what, by its code of three letters.
    pub currency: String,
}

impl Prices {
    /// What `usage` costs, in millionths of [`Self::currency`]: a token costs as many of these as a million tokens cost
    /// whole ones.
    pub fn millionths(&self, usage: Usage) -> u64 {
        #[expect(clippy::cast_precision_loss, reason = "more tokens than 2^53 are not asked for")]
        let cost = usage.input_tokens as f64 * self.input + usage.output_tokens as f64 * self.output;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, and a price is not negative"
        )]
        let millionths = cost.round() as u64;
        millionths
    }

    /// What `usage` costs.
    pub fn amount(&self, usage: Usage) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "nobody spends 2^53 millionths")]
        let millionths = self.millionths(usage) as f64;
        millionths / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_cost_what_a_million_of_them_cost_divided_by_a_million() {
        let prices = Prices { input: 0.1, output: 0.4, currency: "USD".to_owned() };
        let usage = Usage { requests: 3, input_tokens: 2_000_000, output_tokens: 500_000 };
        assert_eq!(prices.millionths(usage), 400_000);
        assert!((prices.amount(usage) - 0.4).abs() < 1e-9);
        assert_eq!(prices.millionths(Usage { requests: 1, input_tokens: 1, output_tokens: 0 }), 0);
    }
}
