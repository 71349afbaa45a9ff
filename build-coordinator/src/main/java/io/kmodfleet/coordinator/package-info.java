/**
 * The coordinator: reads observations, decides, writes both into the ledger, and sends out what was decided.
 *
 * <p>{@code intake} is the only writer; it drives {@code decision} (pure), {@code ledger} and {@code dispatch}. {@code fleet}
 * answers people from the projections and never writes.
 */
package io.kmodfleet.coordinator;
