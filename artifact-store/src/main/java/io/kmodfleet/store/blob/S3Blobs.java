package io.kmodfleet.store.blob;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreConfig;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Blobs as objects of a bucket. S3 shows an object when all of it has come, or never. Each call is tried three times; one that
 * takes longer than its patience is given up.
 */
final class S3Blobs implements BlobStore {

    /** A read that breaks off goes on where it ended, as often as this. */
    private static final int RESUMES = 3;

    /** Slow to send is not dead: the patience of an upload grows with its size, by one second for these bytes. */
    private static final Pattern NAME = Pattern.compile("[0-9a-f]{64}");

    private static final long SLOWEST_BYTES_A_SECOND = 1024 * 1024;

    private final S3Client client;
    private final String bucket;
    private final String prefix;
    private final Duration patience;

    /** @param area beginning of the keys, with its slash */
    S3Blobs(S3Client client, StoreConfig.S3 config, String area) {
        this.client = client;
        this.bucket = config.bucket().orElseThrow();
        this.prefix = config.prefix().orElse("") + area;
        this.patience = config.patience();
    }

    /** Credentials as the SDK finds them: environment, profile, instance. */
    static S3Client connect(StoreConfig.S3 config) {
        S3ClientBuilder builder = S3Client.builder()
                .region(Region.of(config.region()))
                .forcePathStyle(config.pathStyle())
                // Other implementations than Amazon's do not know checksums in a trailer; ours is a header.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .serviceConfiguration(service -> service.chunkedEncodingEnabled(false))
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(config.patience())
                        .socketTimeout(config.patience()))
                .overrideConfiguration(
                        override -> override.apiCallTimeout(config.patience().multipliedBy(3)));
        config.endpoint().ifPresent(builder::endpointOverride);
        return builder.build();
    }

    @Override
    public void keep(Digest digest, Path file) throws IOException {
        long size = file.toFile().length();
        Duration mostTime = patience.multipliedBy(3).plusSeconds(size / SLOWEST_BYTES_A_SECOND);
        String checksum = Base64.getEncoder().encodeToString(HexFormat.of().parseHex(digest.hex()));
        ask(
                "keep " + digest,
                () -> client.putObject(
                        request -> request.bucket(bucket)
                                .key(keyOf(digest))
                                .contentLength(size)
                                .contentType("application/octet-stream")
                                .checksumSHA256(checksum)
                                .overrideConfiguration(override -> override.apiCallTimeout(mostTime)),
                        RequestBody.fromFile(file)));
    }

    @Override
    public Optional<Blob> find(Digest digest) throws IOException {
        Optional<HeadObjectResponse> head = ask("find " + digest, () -> {
            try {
                return Optional.of(
                        client.headObject(request -> request.bucket(bucket).key(keyOf(digest))));
            } catch (NoSuchKeyException e) {
                return Optional.empty();
            }
        });
        return head.map(found -> new StoredObject(digest, found.contentLength()));
    }

    private final class StoredObject implements Blob {

        private final Digest digest;
        private final long size;

        StoredObject(Digest digest, long size) {
            this.digest = digest;
            this.size = size;
        }

        @Override
        public long size() {
            return size;
        }

        @Override
        public Optional<Path> file() {
            return Optional.empty();
        }

        @Override
        public InputStream read(long first, long length) throws IOException {
            return length == 0
                    ? InputStream.nullInputStream()
                    : new Resuming(position -> part(first + position, length - position), length, RESUMES);
        }

        private InputStream part(long first, long length) throws IOException {
            return ask(
                    "read " + digest,
                    () -> client.getObject(request -> request.bucket(bucket)
                            .key(keyOf(digest))
                            .range("bytes=" + first + "-" + (first + length - 1))));
        }
    }

    @Override
    public void remove(Digest digest) throws IOException {
        ask(
                "remove " + digest,
                () -> client.deleteObject(request -> request.bucket(bucket).key(keyOf(digest))));
    }

    @Override
    public List<Digest> list(int part, Instant before) throws IOException {
        String begin = prefix + HexFormat.of().toHexDigits((byte) part);
        return ask(
                "list what begins with " + begin,
                () -> client
                        .listObjectsV2Paginator(
                                request -> request.bucket(bucket).prefix(begin))
                        .contents()
                        .stream()
                        .filter(object -> object.lastModified().isBefore(before))
                        .map(object -> object.key().substring(prefix.length()))
                        .filter(name -> NAME.matcher(name).matches())
                        .map(Digest::new)
                        .sorted()
                        .toList());
    }

    @Override
    public void probe() throws IOException {
        ask("find the bucket", () -> client.headBucket(request -> request.bucket(bucket)));
    }

    private String keyOf(Digest digest) {
        return prefix + digest.hex();
    }

    private <T> T ask(String what, Supplier<T> call) throws StorageTrouble {
        try {
            return call.get();
        } catch (SdkException e) {
            throw trouble(what, e);
        }
    }

    private StorageTrouble trouble(String what, SdkException e) {
        boolean slow = Stream.iterate((Throwable) e, Objects::nonNull, Throwable::getCause)
                .limit(20)
                .anyMatch(cause -> cause instanceof SocketTimeoutException
                        || cause instanceof ApiCallTimeoutException
                        || cause instanceof ApiCallAttemptTimeoutException);
        String why = e instanceof S3Exception answer
                ? "HTTP " + answer.statusCode() + " came"
                        + Optional.ofNullable(answer.awsErrorDetails())
                                .map(details -> " (" + details.errorCode() + ")")
                                .orElse("")
                : e.getMessage();
        return new StorageTrouble(
                "Expected the bucket " + bucket + " to " + what + ", but "
                        + (slow ? "it took longer than " + patience.toSeconds() + " s each time" : why),
                slow,
                e);
    }
}
