/** How much one client may ask for. Knows addresses and times, and nothing of what is asked. */
package io.kmodfleet.store.limits;
