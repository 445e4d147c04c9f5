from twisted.trial.unittest import SynchronousTestCase

from im.adapters.jwt.sources import FileKeys
from im.test.adapters.jwt.signers import jwk, key_set, pem, private_key
from im.test.adapters.jwt.support import file_of


class FileKeysTests(SynchronousTestCase):
    def test_a_file_is_read_again_when_asked_to(self) -> None:
        path = file_of(self, pem(private_key("ES256")))
        source = FileKeys(path)
        self.assertIsNotNone(source.keys().find("ES256", None))
        path.write_bytes(key_set(jwk("EdDSA", "new")))
        self.assertIsNone(source.keys().find("EdDSA", "new"))
        source.reload()
        self.assertIsNotNone(source.keys().find("EdDSA", "new"))
        self.assertIsNone(source.keys().find("ES256", None))

    def test_a_file_that_became_bad_leaves_the_keys_as_they_were(self) -> None:
        path = file_of(self, pem(private_key("ES256")))
        source = FileKeys(path)
        path.write_bytes(b"rubbish")
        text = str(self.assertRaises(ValueError, source.reload))
        self.assertIn(f"{path} holds neither", text)
        path.unlink()
        self.assertIn("cannot be read: No such file", str(self.assertRaises(ValueError, source.reload)))
        self.assertIsNotNone(source.keys().find("ES256", None))
        self.assertEqual("", source.problem())

    def test_an_unknown_key_in_a_file_is_final(self) -> None:
        source = FileKeys(file_of(self, pem(private_key("ES256"))))
        self.assertTrue(self.successResultOf(source.look_again()))
