/** What one store does for all that share a catalogue: reads what is kept, forgets what was refused. */
package io.kmodfleet.store.upkeep;
