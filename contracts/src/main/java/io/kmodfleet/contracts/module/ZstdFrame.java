package io.kmodfleet.contracts.module;

/** Where a zstd frame ends (RFC 8878, 3.1.1), without looking into its blocks: the library reads on behind it. */
final class ZstdFrame {

    private static final int MAGIC = 4;
    private static final int BLOCK_HEADER = 3;
    private static final int RUN_LENGTH = 1;
    private static final int[] DICTIONARY_ID = {0, 1, 2, 4};
    private static final int[] CONTENT_SIZE = {0, 2, 4, 8};

    private ZstdFrame() {}

    /** @param file begins with the magic of a frame */
    static void checkAlone(byte[] file) throws NotAModule {
        int descriptor = file.length > MAGIC ? file[MAGIC] & 0xff : 0;
        boolean singleSegment = (descriptor & 0x20) != 0;
        boolean checksum = (descriptor & 4) != 0;
        int sizeOfSize = CONTENT_SIZE[descriptor >>> 6];
        long at =
                MAGIC + 1 + DICTIONARY_ID[descriptor & 3] + (singleSegment ? Math.max(1, sizeOfSize) : 1 + sizeOfSize);
        boolean last = false;
        while (!last) {
            Elf.require(at + BLOCK_HEADER <= file.length, "whole ZSTD data", "it ends too early");
            int header = file[(int) at] & 0xff | (file[(int) at + 1] & 0xff) << 8 | (file[(int) at + 2] & 0xff) << 16;
            last = (header & 1) != 0;
            at += BLOCK_HEADER + ((header >>> 1 & 3) == RUN_LENGTH ? 1 : header >>> 3);
        }
        at += checksum ? Integer.BYTES : 0;
        Elf.require(at <= file.length, "whole ZSTD data", "it ends too early");
        Elf.require(at == file.length, "one piece of ZSTD data", "bytes follow it");
    }
}
