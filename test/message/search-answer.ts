/** UIDs of untagged ESEARCH replies (RFC 4731), by the number of the command's tag `tn`. */
export function parseEsearch(replies: readonly Buffer[]): Map<number, Set<number>> {
  const answers = new Map<number, Set<number>>()
  for (const reply of replies) {
    const match = /^\* ESEARCH \(TAG "t(\d+)"\) UID(?: ALL ([\d:,]+))?/.exec(reply.toString('latin1'))
    if (match !== null) answers.set(Number(match[1]), uidsOf(match[2] ?? ''))
  }
  return answers
}

function uidsOf(set: string): Set<number> {
  const uids = new Set<number>()
  for (const range of set.split(',').filter((part) => part !== '')) {
    const [first = 0, last = first] = range.split(':').map(Number)
    for (let uid = first; uid <= last; uid++) uids.add(uid)
  }
  return uids
}
