/** What the policy server says to a login. */
export type PolicyAnswer =
  /** No status: nothing is known. */
  | { readonly kind: 'none' }
  /** Below 0 refuses, 0 goes on, above 0 waits so many seconds. */
  | { readonly kind: 'status'; readonly status: number; readonly message: string }
  /** The answer makes no sense. */
  | { readonly kind: 'fault'; readonly log: string }
  /** There is no answer. */
  | { readonly kind: 'away'; readonly log: string }

/** Reads `{"status":N,"msg":"text"}`; other members do not matter. */
export function readAnswer(body: string): PolicyAnswer {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { kind: 'fault', log: `Policy server response JSON parse error: ${why}` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { kind: 'fault', log: "Policy server response JSON parse error: Object doesn't begin with '{'" }
  const status: unknown = 'status' in value ? value.status : undefined
  const message: unknown = 'msg' in value ? value.msg : undefined
  if (status === undefined) return { kind: 'none' }
  if (!Number.isInteger(status) || !(message === undefined || message === null || typeof message === 'string'))
    return { kind: 'fault', log: 'Policy server response was malformed' }
  return { kind: 'status', status: Number(status), message: oneLine(message ?? '') }
}

/** It becomes part of a reply line. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]+/g, ' ').slice(0, 512)
}
