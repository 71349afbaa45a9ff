package io.kmodfleet.agent.dkms;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedactionTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            MIRROR_TOKEN=s3cr3t make all                    | MIRROR_TOKEN=[redacted] make all
            export DB_PASSWORD="two words"; x               | export DB_PASSWORD=[redacted]; x
            {"apiKey": "abc123"}                            | {"apiKey": [redacted]}
            Authorization: Bearer abc.def.ghi               | Authorization: [redacted]
            > curl -H 'authorization: Basic dTpw' host      | > curl -H 'authorization: [redacted]' host
            git clone https://me:hunter2@git.example/x.git  | git clone https://me:[redacted]@git.example/x.git
            AWS AKIAIOSFODNN7EXAMPLE used                   | AWS [redacted] used
            ghp_0123456789abcdefghijABCDEFGHIJ012345        | [redacted]
            sshpass: passphrase: correct                    | sshpass: passphrase: [redacted]
            """)
    void what_looks_like_a_secret_does_not_leave_the_host(String line, String shown) {
        assertThat(new Redaction().line(line)).isEqualTo(shown);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "  CC [M]  /var/lib/dkms/dattobd/0.12.1/build/src/main.o",
                "make: *** [Makefile:12: all] Error 2",
                "src/main.c:12:5: error: expected ‘;’ before ‘}’ token",
                "#define SYS_CALL_TABLE_ADDR 0xffffffff81a00240",
                "==> make.log",
                ""
            })
    void what_a_compiler_says_stays_as_it_is(String line) {
        assertThat(new Redaction().line(line)).isEqualTo(line);
    }

    @Test
    void a_private_key_is_hidden_from_its_first_line_to_its_last() {
        String log = "before\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA PRIVATE KEY-----\nafter\n";

        assertThat(Redaction.text(log)).isEqualTo("before\n[redacted]\n[redacted]\n[redacted]\n[redacted]\nafter\n");
        assertThat(Redaction.text("no end")).isEqualTo("no end");
    }
}
