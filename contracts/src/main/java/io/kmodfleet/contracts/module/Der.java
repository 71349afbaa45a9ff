package io.kmodfleet.contracts.module;

import java.nio.ByteBuffer;

/** Elements of a DER encoding (X.690), as many kinds of them as a module's signature has. */
final class Der {

    static final int INTEGER = 0x02;
    static final int OCTETS = 0x04;
    static final int OBJECT_ID = 0x06;
    static final int SEQUENCE = 0x30;
    static final int SET = 0x31;
    static final int CONTEXT_0 = 0xa0;
    static final int CONTEXT_1 = 0xa1;

    private Der() {}

    /** Passes over the next element if it is of that kind, and says whether it was. */
    static boolean skip(ByteBuffer from, int tag) throws NotAModule {
        boolean found = from.hasRemaining() && tag(from) == tag;
        if (found) {
            take(from, tag);
        }
        return found;
    }

    static int tag(ByteBuffer from) {
        return from.get(from.position()) & 0xff;
    }

    /** The content of the next element, which must be of that kind; lengths are definite in DER. */
    static ByteBuffer take(ByteBuffer from, int tag) throws NotAModule {
        int found = from.get() & 0xff;
        Elf.require(found == tag, "DER tag " + tag, "there is " + found);
        int length = from.get() & 0xff;
        if (length > 0x7f) {
            int count = length & 0x7f;
            Elf.require(count >= 1 && count <= 3, "a definite length", "it is not");
            length = 0;
            for (int i = 0; i < count; i++) {
                length = length << 8 | from.get() & 0xff;
            }
        }
        Elf.require(length <= from.remaining(), "an element inside the one around it", "it reaches beyond it");
        ByteBuffer content = from.slice(from.position(), length);
        from.position(from.position() + length);
        return content;
    }

    static byte[] bytes(ByteBuffer content) {
        byte[] bytes = new byte[content.remaining()];
        content.get(bytes);
        return bytes;
    }
}
