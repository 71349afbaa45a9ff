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

    @Test
    void a_serial_number_leads_to_the_key_id_of_its_own_certificate() {
        String listing = """
                [key 1]
                    Serial Number:
                        66:f5:4E:15
                            X509v3 Subject Key Identifier:\u0020
                                4B:61:1F
                [key 2]
                    Serial Number: 4097 (0x1001)
                [key 3]
                    Serial Number: 1 (0x1)
                            X509v3 Subject Key Identifier:\u0020
                                00:01
                """;

        assertThat(SecureBootState.bySerialIn(listing))
                .containsOnly(java.util.Map.entry("66f54e15", "4b611f"), java.util.Map.entry("01", "0001"));
    }
}
