package io.kmodfleet.agent.host;

import io.kmodfleet.contracts.HostReport.SecureBoot;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whether the firmware lets only signed modules in, by its variable; and whose, by {@code mokutil}. */
final class SecureBootState {

    private static final Pattern KEY_ID = Pattern.compile(
            "X509v3 Subject Key Identifier:[^\\n]*\\n\\s*((?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2})\\s*(?:\\n|$)");
    private static final int ATTRIBUTES = 4;

    private final HostRoot root;
    private final RootQuestions questions;
    private final ReadOnce<List<String>> enrolled = new ReadOnce<>();

    SecureBootState(HostRoot root, RootQuestions questions) {
        this.root = root;
        this.questions = questions;
    }

    /** Absent where the firmware has no such variable, or it cannot be read. */
    Optional<SecureBoot> look() {
        Optional<Path> variable = variable("SecureBoot-*");
        if (variable.isEmpty()) {
            return Optional.empty();
        }
        try {
            byte[] content = Files.readAllBytes(variable.get());
            if (content.length != ATTRIBUTES + 1) {
                return Optional.empty();
            }
            // Keys are enrolled at boot, by the shim: its list changes no more until the next one.
            Path list = variable("MokListRT-*").orElse(variable.get());
            List<String> keys = enrolled.get(
                    list,
                    file -> idsIn(questions.ask("mokutil", "--list-enrolled").orElse("")));
            return Optional.of(new SecureBoot(content[ATTRIBUTES] == 1, keys));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    static List<String> idsIn(String listing) {
        List<String> ids = new ArrayList<>();
        Matcher matcher = KEY_ID.matcher(listing);
        while (matcher.find()) {
            ids.add(matcher.group(1).replace(":", "").toLowerCase(Locale.ROOT));
        }
        return List.copyOf(ids);
    }

    private Optional<Path> variable(String glob) {
        try (DirectoryStream<Path> found = Files.newDirectoryStream(root.at("/sys/firmware/efi/efivars"), glob)) {
            for (Path variable : found) {
                return Optional.of(variable);
            }
        } catch (IOException | DirectoryIteratorException e) {
            // No such firmware.
        }
        return Optional.empty();
    }
}
