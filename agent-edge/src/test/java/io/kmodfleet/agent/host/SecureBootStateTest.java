package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SecureBootStateTest {

    @Test
    void each_enrolled_key_is_told_by_its_subject_key_id_and_not_by_its_issuers() {
        String listing = """
                [key 1]
                SHA1 Fingerprint: 11:22:33
                        X509v3 extensions:
                            X509v3 Subject Key Identifier:\u0020
                                4B:61:1F:8E:00:09
                            X509v3 Authority Key Identifier:\u0020
                                AA:BB:CC:DD:EE:FF
                [key 2]
                            X509v3 Subject Key Identifier: critical
                                00:01:02:03:04:05
                """;

        assertThat(SecureBootState.idsIn(listing)).containsExactly("4b611f8e0009", "000102030405");
    }

    @Test
    void a_listing_without_keys_has_no_ids() {
        assertThat(SecureBootState.idsIn("MokListRT is empty\n")).isEmpty();
    }
}
