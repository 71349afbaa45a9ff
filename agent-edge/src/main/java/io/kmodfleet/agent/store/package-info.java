/** The artifact store as an agent sees it: fetch by digest, verify, upload. */
package io.kmodfleet.agent.store;
