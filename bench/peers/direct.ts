import type { Peer } from './peer.ts'

/** No proxy at all: what the load generator and the fake backend reach by themselves. */
export const direct: Peer = {
  name: 'direct',
  title: 'no proxy',
  protocols: ['imap', 'pop3', 'lmtp'],
  processPerSession: false,
  plainOnly: true,
  find: () => '',
  versionArgs: [],
  prepare: () => [],
}
