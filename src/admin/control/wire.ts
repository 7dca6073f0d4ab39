/**
 * The control socket's language: one request a connection, JSON lines both ways. The client writes one request line; the server
 * answers with any number of `row` lines and one `done` line.
 */

export interface ControlRequest {
  /** Name of a command, such as `who`. */
  readonly command: string
  /** The command's input, checked by the command. */
  readonly input: unknown
}

export type ControlReply =
  | { readonly kind: 'row'; readonly row: Readonly<Record<string, string>> }
  | { readonly kind: 'text'; readonly text: string }
  /** `status` is the exit status for the command line; 0 is success. */
  | { readonly kind: 'done'; readonly status: number; readonly error?: string }

/** A request line longer than this is refused: long lists of users are sent in several requests. */
export const REQUEST_BYTES = 4 * 1024 * 1024

export const CONTROL_EXIT = {
  ok: 0,
  failed: 1,
  usage: 64,
  noUser: 67,
  notFound: 68,
  temporary: 75,
  config: 78,
} as const

/** Reads a request line; throws with a text for the client. */
export function parseRequest(line: string): ControlRequest {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new Error('request is not JSON')
  }
  if (typeof value !== 'object' || value === null || !('command' in value) || typeof value.command !== 'string') {
    throw new Error('request has no command')
  }
  return { command: value.command, input: 'input' in value ? value.input : undefined }
}

export function formatLine(value: ControlRequest | ControlReply): string {
  return `${JSON.stringify(value)}\n`
}
