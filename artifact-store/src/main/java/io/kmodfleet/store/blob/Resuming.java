package io.kmodfleet.store.blob;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** A stream over a network: where it breaks off or ends too soon, it is opened again at the byte that comes next. */
final class Resuming extends InputStream {

    /** Opens the same bytes from a position on. */
    interface Source {
        InputStream from(long position) throws IOException;
    }

    private final Source source;
    private final long length;
    private int resumesLeft;
    private long position;
    private InputStream in;

    /** Opens it at once, so that what fails then fails before anything was read. */
    Resuming(Source source, long length, int resumes) throws IOException {
        this.source = source;
        this.length = length;
        this.resumesLeft = resumes;
        this.in = source.from(0);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int count) throws IOException {
        while (position < length) {
            try {
                int got = in.read(buffer, offset, (int) Math.min(count, length - position));
                if (got >= 0) {
                    position += got;
                    return got;
                }
                throw new EOFException("Expected " + length + " bytes, but they end after " + position);
            } catch (IOException e) {
                if (resumesLeft-- <= 0) {
                    throw e;
                }
                closeQuietly();
                in = source.from(position);
            }
        }
        return -1;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }

    private void closeQuietly() {
        try {
            in.close();
        } catch (IOException e) {
            // It was broken already.
        }
    }
}
