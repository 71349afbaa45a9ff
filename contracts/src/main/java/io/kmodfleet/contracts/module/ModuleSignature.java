package io.kmodfleet.contracts.module;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;

/**
 * The signature of a module, held against a certificate as the kernel does it (crypto/asymmetric_keys/pkcs7_verify.c): detached,
 * one signer, no attributes that are signed in place of the module. Whether a kernel trusts the certificate is another question.
 */
public final class ModuleSignature {

    private static final int KEY_ID = 0x80;
    private static final String KEY_ID_EXTENSION = "2.5.29.14";
    private static final String RSA = "RSA";
    private static final String ECDSA = "ECDSA";

    /** By their object identifiers, in hexadecimal. */
    private static final Map<String, String> DIGESTS = Map.of(
            "2b0e03021a", "SHA1",
            "608648016503040201", "SHA256",
            "608648016503040202", "SHA384",
            "608648016503040203", "SHA512",
            "608648016503040204", "SHA224");

    private static final Map<String, String> KEYS = Map.of(
            "2a864886f70d010101", RSA,
            "2a864886f70d010105", RSA,
            "2a864886f70d01010b", RSA,
            "2a864886f70d01010c", RSA,
            "2a864886f70d01010d", RSA,
            "2a8648ce3d0401", ECDSA,
            "2a8648ce3d040302", ECDSA,
            "2a8648ce3d040303", ECDSA,
            "2a8648ce3d040304", ECDSA);

    private final ByteBuffer body;
    private final SignedData signed;
    private final ModuleSigner signer;
    private final ByteBuffer sid;
    private final String digest;
    private final boolean attributes;
    private final String key;
    private final byte[] value;

    private ModuleSignature(ByteBuffer body, ByteBuffer pkcs7) throws NotAModule {
        this.body = body;
        this.signed = SignedData.read(pkcs7);
        ByteBuffer info = signed.signer();
        Der.take(info, Der.INTEGER);
        int from = info.position();
        signer = ModuleSigner.sid(info);
        sid = info.slice(from, info.position() - from);
        digest = named(DIGESTS, info, "a digest that kernels know");
        attributes = Der.skip(info, Der.CONTEXT_0);
        key = named(KEYS, info, "an RSA or ECDSA signature");
        value = Der.bytes(Der.take(info, Der.OCTETS));
    }

    /** Empty where the module is not signed. */
    public static Optional<ModuleSignature> of(byte[] file) throws NotAModule {
        byte[] expanded = Compression.expand(file);
        Trailer trailer = Trailer.of(expanded);
        if (trailer.signature().isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new ModuleSignature(
                    trailer.body(expanded), trailer.signature().get()));
        } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
            throw new NotAModule("Expected a whole signature, but it ends too early");
        }
    }

    public ModuleSigner signer() {
        return signer;
    }

    /** Why it is not a signature of this module by that certificate's key; empty where it is. */
    public Optional<String> fault(X509Certificate certificate) {
        if (!signed.detached()) {
            return Optional.of("Expected a signature beside the module, but the signed content is in it");
        }
        if (signed.certificates()) {
            return Optional.of("Expected a signature without certificates, but there are some");
        }
        if (attributes) {
            return Optional.of("Expected the module to be signed itself, but signed attributes are");
        }
        try {
            if (!names(certificate)) {
                return Optional.of("Expected a signature by " + certificate.getSubjectX500Principal()
                        + ", but it names key " + signer.keyId());
            }
            Signature check = Signature.getInstance(digest + "with" + key);
            check.initVerify(certificate.getPublicKey());
            check.update(body.duplicate());
            return check.verify(value)
                    ? Optional.empty()
                    : Optional.of("Expected a signature of this module, but it is of other bytes");
        } catch (GeneralSecurityException | NotAModule e) {
            return Optional.of("Expected a signature that can be checked, but " + e.getMessage());
        }
    }

    private boolean names(X509Certificate certificate) throws NotAModule {
        ByteBuffer named = sid.duplicate();
        if (Der.tag(named) == KEY_ID) {
            byte[] extension = certificate.getExtensionValue(KEY_ID_EXTENSION);
            byte[] own = extension == null
                    ? new byte[0]
                    : Der.bytes(Der.take(Der.take(ByteBuffer.wrap(extension), Der.OCTETS), Der.OCTETS));
            return own.length > 0 && Arrays.equals(own, Der.bytes(Der.take(named, KEY_ID)));
        }
        ByteBuffer issuerAndSerial = Der.take(named, Der.SEQUENCE);
        ByteBuffer issuer = Der.take(issuerAndSerial, Der.SEQUENCE);
        ByteBuffer own =
                Der.take(ByteBuffer.wrap(certificate.getIssuerX500Principal().getEncoded()), Der.SEQUENCE);
        byte[] serial = Der.bytes(Der.take(issuerAndSerial, Der.INTEGER));
        return issuer.equals(own)
                && Arrays.equals(serial, certificate.getSerialNumber().toByteArray());
    }

    private static String named(Map<String, String> known, ByteBuffer info, String what) throws NotAModule {
        byte[] id = Der.bytes(Der.take(Der.take(info, Der.SEQUENCE), Der.OBJECT_ID));
        String hex = HexFormat.of().formatHex(id);
        Elf.require(known.containsKey(hex), what, "it is of kind " + hex);
        return known.get(hex);
    }
}
