package io.kmodfleet.contracts.module;

/**
 * A zstd frame (RFC 8878, 3.1.1), without looking into its blocks. What it says of its sizes is held to before the library takes
 * memory for them, and where it ends is known: the library reads on behind it.
 */
final class ZstdFrame {

    private static final int MAGIC = 4;
    private static final int BLOCK_HEADER = 3;
    private static final int LARGEST_BLOCK = 128 * 1024;
    private static final int RUN_LENGTH = 1;
    private static final int[] DICTIONARY_ID = {0, 1, 2, 4};
    private static final int[] CONTENT_SIZE = {0, 2, 4, 8};

    /** Added to a size of two bytes. */
    private static final int OF_TWO_BYTES = 256;

    private ZstdFrame() {}

    /**
     * @param file begins with the magic of a frame
     * @param most bytes of its content
     */
    static void check(byte[] file, int most) throws NotAModule {
        int descriptor = number(file, MAGIC, 1);
        boolean singleSegment = (descriptor & 0x20) != 0;
        boolean checksum = (descriptor & 4) != 0;
        int sizeLength = singleSegment ? Math.max(1, CONTENT_SIZE[descriptor >>> 6]) : CONTENT_SIZE[descriptor >>> 6];
        int sizeAt = MAGIC + 1 + (singleSegment ? 0 : 1) + DICTIONARY_ID[descriptor & 3];
        long low = number(file, sizeAt, Math.min(sizeLength, Integer.BYTES)) & 0xffff_ffffL;
        long high = sizeLength == Long.BYTES ? number(file, sizeAt + Integer.BYTES, Integer.BYTES) : 0;
        long size = low + (sizeLength == 2 ? OF_TWO_BYTES : 0);
        Elf.require(
                high == 0 && size <= most,
                "a module of at most " + most + " bytes uncompressed",
                "it says that it is larger");
        int at = sizeAt + sizeLength;
        boolean last = false;
        while (!last) {
            int header = number(file, at, BLOCK_HEADER);
            int block = header >>> 3;
            if (block > LARGEST_BLOCK) {
                throw new NotAModule(
                        "Expected ZSTD blocks of at most " + LARGEST_BLOCK + " bytes, but one has " + block);
            }
            last = (header & 1) != 0;
            at += BLOCK_HEADER + ((header >>> 1 & 3) == RUN_LENGTH ? 1 : block);
        }
        at += checksum ? Integer.BYTES : 0;
        checkWhole(at <= file.length);
        Elf.require(at == file.length, "one piece of ZSTD data", "bytes follow it");
    }

    /** Little-endian. */
    private static int number(byte[] file, int at, int length) throws NotAModule {
        checkWhole(at + length <= file.length);
        int number = 0;
        for (int i = length - 1; i >= 0; i--) {
            number = number << 8 | file[at + i] & 0xff;
        }
        return number;
    }

    private static void checkWhole(boolean whole) throws NotAModule {
        Elf.require(whole, "whole ZSTD data", "it ends too early");
    }
}
