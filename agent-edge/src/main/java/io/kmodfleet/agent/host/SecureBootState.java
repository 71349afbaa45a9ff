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
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whether the firmware lets only signed modules in, by its variable; and whose, by {@code mokutil}. */
final class SecureBootState {

    private static final Pattern KEY_ID = Pattern.compile(
            "X509v3 Subject Key Identifier:[^\\n]*\\n\\s*((?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2})\\s*(?:\\n|$)");

    /** Long ones stand in a line of their own, short ones as {@code 4097 (0x1001)}. */
    private static final Pattern SERIAL = Pattern.compile(
            "Serial Number:[^\\S\\n]*(?:\\n\\s*((?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2})|\\d+ \\(0x([0-9A-Fa-f]+)\\))");

    private static final int ATTRIBUTES = 4;

    private final HostRoot root;
    private final RootQuestions questions;
    private final ReadOnce<Listing> enrolled = new ReadOnce<>();

    /** @param bySerial key ids by the serial numbers of their certificates */
    private record Listing(List<String> ids, Map<String, String> bySerial) {}

    /** What the firmware says, and which keys count there. */
    record Enrolled(SecureBoot state, Map<String, String> bySerial) {

        /** Most signatures name the serial number of a certificate: the key id of that, where it is enrolled. */
        String idOf(String signer) {
            return bySerial.getOrDefault(signer, signer);
        }
    }

    SecureBootState(HostRoot root, RootQuestions questions) {
        this.root = root;
        this.questions = questions;
    }

    /** Absent where the firmware has no such variable, or it cannot be read. */
    Optional<Enrolled> look() {
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
            Listing keys = enrolled.get(list, file -> {
                String listing = questions.ask("mokutil", "--list-enrolled").orElse("");
                return new Listing(idsIn(listing), bySerialIn(listing));
            });
            return Optional.of(new Enrolled(new SecureBoot(content[ATTRIBUTES] == 1, keys.ids()), keys.bySerial()));
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

    /** Each certificate says its serial number before its key id. */
    static Map<String, String> bySerialIn(String listing) {
        Map<String, String> ids = new TreeMap<>();
        Matcher serial = SERIAL.matcher(listing);
        Matcher id = KEY_ID.matcher(listing);
        int at = 0;
        while (serial.find(at)) {
            at = serial.end();
            int next = listing.indexOf("Serial Number:", at);
            if (id.find(at) && (next < 0 || id.start() < next)) {
                String digits = serial.group(1) == null
                        ? serial.group(2)
                        : serial.group(1).replace(":", "");
                String even = digits.length() % 2 == 0 ? digits : "0" + digits;
                ids.put(
                        even.toLowerCase(Locale.ROOT),
                        id.group(1).replace(":", "").toLowerCase(Locale.ROOT));
            }
        }
        return Map.copyOf(ids);
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
