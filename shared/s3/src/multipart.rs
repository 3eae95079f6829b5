//! The requests of an upload in parts.

use std::collections::HashMap;

use aws_sdk_s3::{
    primitives::{ByteStream, SdkBody},
    types::{CompletedMultipartUpload, CompletedPart, EncodingType, MultipartUpload},
};

use crate::{
    failure::{Failure, Sort},
    page::decoded,
    parts::Part,
    put::again,
    request::{Operation, persist, time_for, within},
    store::S3Store,
};

/// An upload that is begun and not completed.
pub(crate) struct Unfinished {
    id: String,
    /// The ETags of the parts that are there, without quotation marks.
    pub(crate) etags: HashMap<i32, String>,
}

impl S3Store {
    pub(crate) async fn begin(&self, key: &str) -> Result<Unfinished, Failure> {
        let begun = persist(Operation::CreateUpload, || {
            let request = self.client.create_multipart_upload().bucket(&*self.bucket).key(key);
            within(self.timeouts.answer, request.send())
        });
        let id = begun.await?.upload_id.ok_or_else(|| Failure::new(Sort::Server, "an upload without a name"))?;
        Ok(Unfinished { id, etags: HashMap::new() })
    }

    /// The upload of this key that was begun last.
    pub(crate) async fn unfinished(&self, key: &str) -> Result<Option<Unfinished>, Failure> {
        // The uploads of longer keys come behind those of this one: a page is enough.
        let listed = persist(Operation::ListUploads, || {
            let request = self.client.list_multipart_uploads().bucket(&*self.bucket).prefix(key);
            within(self.timeouts.answer, request.encoding_type(EncodingType::Url).send())
        })
        .await?;
        let encoded = listed.encoding_type == Some(EncodingType::Url);
        let uploads = listed.uploads.unwrap_or_default().into_iter();
        let ours = uploads.filter(|upload| match upload.key() {
            Some(listed) if encoded => decoded(listed) == key,
            listed => listed == Some(key),
        });
        let last = ours.max_by_key(|upload| upload.initiated().map(|time| (time.secs(), time.subsec_nanos())));
        let Some(id) = last.and_then(|upload: MultipartUpload| upload.upload_id) else { return Ok(None) };
        let etags = self.parts_of(key, &id).await?;
        Ok(Some(Unfinished { id, etags }))
    }

    async fn parts_of(&self, key: &str, id: &str) -> Result<HashMap<i32, String>, Failure> {
        let (mut etags, mut from) = (HashMap::new(), None::<String>);
        loop {
            let page = persist(Operation::ListParts, || {
                let request = self.client.list_parts().bucket(&*self.bucket).key(key).upload_id(id);
                within(self.timeouts.answer, request.set_part_number_marker(from.clone()).send())
            })
            .await?;
            for part in page.parts.unwrap_or_default() {
                if let (Some(number), Some(etag)) = (part.part_number, part.e_tag) {
                    etags.insert(number, etag.trim_matches('"').to_owned());
                }
            }
            from = page.next_part_number_marker.filter(|_| page.is_truncated == Some(true));
            if from.is_none() {
                return Ok(etags);
            }
        }
    }

    /// Sends a part; gives the ETag that S3 has for it.
    pub(crate) async fn send(&self, key: &str, upload: &Unfinished, part: Part) -> Result<CompletedPart, Failure> {
        let (number, md5) = (part.number, part.content_md5());
        let time = time_for(part.bytes.len() as u64, self.timeouts.answer);
        let body = SdkBody::from(part.bytes);
        let sent = persist(Operation::UploadPart, || {
            let request = self.client.upload_part().bucket(&*self.bucket).key(key).upload_id(&upload.id);
            let (request, body) = (request.part_number(number).content_md5(&md5), again(&body));
            // The MD5 is signed and says what the body is: no second digest of it is needed.
            async move {
                within(time, request.body(ByteStream::new(body?)).customize().disable_payload_signing().send()).await
            }
        })
        .await?;
        Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
    }

    pub(crate) async fn complete(
        &self,
        key: &str,
        upload: &Unfinished,
        parts: Vec<CompletedPart>,
    ) -> Result<(), Failure> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        persist(Operation::CompleteUpload, || {
            let request = self.client.complete_multipart_upload().bucket(&*self.bucket).key(key);
            let request = request.upload_id(&upload.id).multipart_upload(parts.clone());
            // S3 puts the parts together before it answers.
            within(self.timeouts.answer * 4, request.send())
        })
        .await
        .map(drop)
    }
}
