//! Fingerprints of ssh keys, as `ssh-keygen -l` shows them, and of file contents.

use alloc::{format, string::String, vec::Vec};

use base64ct::{Base64, Base64Unpadded, Encoding};
use sha2::{Digest, Sha256};

/// Returns the fingerprints of one or more ssh keys, joined by `+`. `keys` has one key per line, such as `ssh-ed25519
/// AAAA…`.
#[must_use]
pub fn of(keys: &str) -> String {
    let all: Vec<String> = keys.lines().map(of_one).collect();
    all.join("+")
}

fn of_one(line: &str) -> String {
    let blob = line.split(' ').nth(1).unwrap_or_default().trim_end();
    // Text that is not base64 gets a fingerprint, too.
    let bytes = Base64::decode_vec(blob).unwrap_or_else(|_| line.as_bytes().to_vec());
    format!("SHA256:{}", Base64Unpadded::encode_string(&Sha256::digest(&bytes)))
}

/// Returns 16 hexadecimal digits that identify a file's content: the first 64 bits of its SHA-256.
#[must_use]
pub fn of_content(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    base16ct::lower::encode_string(digest.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_told_apart() {
        assert_eq!(of_content(b""), "e3b0c44298fc1c14");
        assert_ne!(of_content(b"a"), of_content(b"b"));
    }

    #[test]
    fn a_fingerprint_is_what_ssh_keygen_shows() {
        // Output of `ssh-keygen -lf` for this made-up key.
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
        let one = of(key);
        assert_eq!(one, "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA");
        let both = of(&format!("{key}\n{key}"));
        assert_eq!(both, format!("{one}+{one}"));
        assert!(of("a b!").starts_with("SHA256:") && of("a b!") != of("a c!"));
    }
}
