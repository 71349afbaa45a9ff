package io.kmodfleet.store.blob;

import io.kmodfleet.contracts.Digest;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Writes blobs as fast as it can and says which are kept, until somebody kills it. */
final class KeepsBlobsUntilKilled {

    private KeepsBlobsUntilKilled() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        DirectoryBlobs blobs = DirectoryBlobs.open(directory.resolve("blobs"));
        while (true) {
            byte[] bytes = BlobStoreContract.bytes(500_000);
            Path file = Files.createTempFile(directory, "", ".part");
            try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
                out.write(ByteBuffer.wrap(bytes));
                out.force(true);
            }
            blobs.keep(Digest.of(bytes), file);
            System.out.println(Digest.of(bytes).hex());
            System.out.flush();
        }
    }
}
