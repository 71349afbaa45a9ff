package io.kmodfleet.agent.dkms;

import java.io.IOException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The addresses of kernel symbols that a build wrote into its headers ({@code #define KFREE_ADDR 0x…}). Wrong ones compile and
 * load, and then kill the kernel; neither dkms nor the kernel looks at them.
 *
 * @param addresses by the symbol's name in capitals
 */
record RecordedAddresses(Map<String, Long> addresses) {

    private static final Pattern BEGIN = Pattern.compile("\\s*#\\s*define\\s+(\\w+)_ADDR\\s+(0[xX].*)");
    private static final Pattern ADDRESS = Pattern.compile("0[xX]([0-9a-fA-F]{1,16})(?:[uU]?[lL]{0,2})\\s*");
    private static final Pattern STRAY = Pattern.compile("\\s*(?:0[xX])?[0-9a-fA-F]{8,16}\\s*");

    /** Something that must not go into a module. */
    static final class Wrong extends Exception {
        Wrong(String sentence) {
            super(sentence);
        }
    }

    /** @param headers what the build generated */
    static RecordedAddresses in(Collection<String> headers) throws Wrong {
        Map<String, Long> addresses = new LinkedHashMap<>();
        for (String header : headers) {
            String last = "";
            for (String line : header.lines().toList()) {
                Matcher define = BEGIN.matcher(line);
                if (define.matches()) {
                    last = define.group(1);
                    Matcher address = ADDRESS.matcher(define.group(2));
                    if (!address.matches()) {
                        throw new Wrong("Expected one address in '" + line.strip() + "', but it is none");
                    }
                    Long value = Long.parseUnsignedLong(address.group(1), 16);
                    if (addresses.put(last, value) != null) {
                        throw new Wrong("Expected the address of " + last + " once, but the build recorded it twice");
                    }
                } else if (!last.isEmpty() && STRAY.matcher(line).matches()) {
                    throw new Wrong("Expected one address for " + last + ", but the build recorded '" + line.strip()
                            + "' too: the symbol stands more than once in the kernel's map");
                }
            }
        }
        return new RecordedAddresses(addresses);
    }

    /**
     * Compares with the map that the build read. A script writes zero for a symbol that it does not find: that is right only where
     * the map, a whole one, does not have it either. Without a map no zero is believed.
     */
    void check(Optional<KernelMap> map) throws Wrong, IOException {
        if (addresses.isEmpty()) {
            return;
        }
        if (addresses.values().stream().allMatch(address -> address == 0)) {
            throw new Wrong("Expected addresses of kernel symbols, but the build recorded " + addresses.size()
                    + " and each is zero: it found no usable symbol map");
        }
        Map<String, Set<Long>> mapped = map.isPresent() ? map.get().addressesOf(addresses.keySet()) : Map.of();
        for (Map.Entry<String, Long> recorded : addresses.entrySet()) {
            Set<Long> known = mapped.getOrDefault(recorded.getKey(), Set.of());
            long address = recorded.getValue();
            if (address == 0 && (map.isEmpty() || !known.isEmpty())) {
                throw new Wrong("Expected the address of " + recorded.getKey() + ", but the build recorded zero"
                        + (map.isEmpty() ? "" : ", although the kernel has the symbol"));
            }
            if (address != 0 && !known.isEmpty() && !known.contains(address)) {
                throw new Wrong(String.format(
                        "Expected %s at %x, as the kernel's symbol map says, but the build recorded %x",
                        recorded.getKey(), known.iterator().next(), address));
            }
        }
    }
}
