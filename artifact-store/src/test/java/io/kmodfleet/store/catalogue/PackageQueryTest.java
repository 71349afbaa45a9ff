package io.kmodfleet.store.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.kmodfleet.contracts.Samples;
import io.kmodfleet.store.catalogue.PackageQuery.Place;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PackageQueryTest {

    @Test
    void only_what_is_asked_for_becomes_a_condition() {
        assertThat(text(Optional.empty()).condition()).isEqualTo("true");
        assertThat(text(Optional.of("dattobd")).condition()).isEqualTo("words @@ cast(:text as tsquery)");
    }

    @Test
    void words_are_never_operators() {
        assertThat(text(Optional.of("Toy' & !('x | 6.1.0-56")).parameters())
                .containsEntry("text", "'toy':* & 'x':* & '6.1.0-56':*");
    }

    @Test
    void the_first_digits_of_a_digest_are_understood_as_such() {
        assertThat(text(Optional.of("0123abcd")).condition()).isEqualTo("digest like :text");
        assertThat(text(Optional.of("0123abcd")).parameters()).containsEntry("text", "sha256:0123abcd%");
        assertThat(text(Optional.of("sha256:0123abcd")).parameters()).containsEntry("text", "sha256:0123abcd%");
    }

    @Test
    void a_place_survives_the_way_to_a_client_and_back() {
        Place place = new Place(Instant.parse("2026-01-02T03:04:05.678901Z"), Samples.digest("one"));

        assertThat(Place.parse(place.opaque())).isEqualTo(place);
    }

    @Test
    void a_place_that_nobody_gave_out_is_an_error_that_says_so() {
        for (String wrong : List.of("", "x", "!!!", "MjAyNi0wMS0wMg")) {
            assertThatIllegalArgumentException()
                    .as(wrong)
                    .isThrownBy(() -> Place.parse(wrong))
                    .withMessageContaining("Expected 'after'");
        }
    }

    private static PackageQuery text(Optional<String> text) {
        return new PackageQuery(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                text,
                Optional.empty(),
                10);
    }
}
