import type { Goodbye } from '../protocol.ts'

/** The last line to a client that is cut off. */
export function goodbye(why: Goodbye): string {
  return GOODBYES[why]
}

const GOODBYES = {
  idle: '* BYE Disconnected for inactivity.\r\n',
  'idle-during-auth': '* BYE Disconnected for inactivity during authentication.\r\n',
  'login-timeout': '* BYE Timeout while finishing login.\r\n',
  'shutting-down': '* BYE Server shutting down.\r\n',
  'too-many-connections': '* BYE Connection queue full\r\n',
} as const satisfies Record<Goodbye, string>
