/** Files by their digest, in a directory or in S3: whole or not there. Knows nothing of what is in them. */
package io.kmodfleet.store.blob;
