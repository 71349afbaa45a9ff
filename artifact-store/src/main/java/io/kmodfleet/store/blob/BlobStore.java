package io.kmodfleet.store.blob;

import io.kmodfleet.contracts.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Content-addressed bytes. Whoever finds a blob finds all of it: there is no moment at which half of one can be seen, and one that
 * was kept survives a power cut. Every method blocks, but not for ever.
 */
public interface BlobStore {

    /** Bytes that do not change any more. */
    interface Blob {

        long size();

        /** Where the platform can send them without copying: the file that holds exactly them. */
        Optional<Path> file();

        /** From an offset on; whoever asks closes it. */
        InputStream read(long first, long length) throws IOException;

        default InputStream read() throws IOException {
            return read(0, size());
        }
    }

    /**
     * Puts the bytes of a file in their place, for good. Where the same bytes lie already, this mends what the disk may have done to
     * them. The file may be gone afterwards.
     */
    void keep(Digest digest, Path file) throws IOException;

    Optional<Blob> find(Digest digest) throws IOException;

    /** Does nothing where there is none. Whoever is reading it may be cut off. */
    void remove(Digest digest) throws IOException;

    /** How many parts {@link #list} has. */
    int PARTS = 256;

    /**
     * The blobs of one part, those whose digests begin with this byte, that were kept before then.
     *
     * @param part from 0 to 255
     */
    List<Digest> list(int part, Instant before) throws IOException;

    /** Fails where nothing can be kept at the moment. */
    void probe() throws IOException;
}
