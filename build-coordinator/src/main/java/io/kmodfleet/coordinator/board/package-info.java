/**
 * Every host in one word, kept up to date host by host: what the page counts, draws, filters and pages. A fold over what the ledger
 * holds; it knows nothing of requests, pages or databases.
 */
package io.kmodfleet.coordinator.board;
