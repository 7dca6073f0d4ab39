/** Numbers that look random and are the same each time. */
export function randomSource(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const IDENTIFIERS = [
  'anyone',
  'authenticated',
  'anonymous',
  'owner',
  'user=olga',
  'user=bob',
  'user=carol',
  'user=dave',
  'user=',
  'group=staff',
  'group=g1',
  'group=g2',
  'group=none',
  'group-override=staff',
  'group-override=tempdisabled',
  'group-override=g1',
  'group-override=g2',
  '"user=bob smith"',
  '"user=bob"',
]

const RIGHTS = [
  '',
  'l',
  'lr',
  'lrw',
  'lrs',
  'lrwst',
  'w',
  'x',
  'a',
  'la',
  'lrwstipekxa',
  'kx',
  'te',
  'p',
  'ri',
  ':custom',
  'lr :write-seen',
  'l:read,custom',
]

/**
 * Lines of a dovecot-acl file that Dovecot can read; a file in ten can not. No identifier has two lines of one sign: Dovecot
 * makes an empty part of the other sign of them.
 */
export function generateAclFile(random: (below: number) => number): string {
  const pick = <Value>(values: readonly Value[]): Value => values[random(values.length)] as Value
  const seen = new Set<string>()
  const lines: string[] = []
  for (let count = random(6); count > 0; count -= 1) {
    const id = pick(IDENTIFIERS)
    const sign = random(3) === 0 ? '-' : ''
    const signed = id.startsWith('"') ? `"${sign}${id.slice(1)}` : sign + id
    const meant = signed.replace('anonymous', 'anyone').replaceAll('"', '')
    if (seen.has(meant)) continue
    seen.add(meant)
    lines.push(`${signed}${pick([' ', ' ', '  ', ' \t'])}${pick(RIGHTS)}`)
  }
  if (random(10) === 0) lines.splice(random(lines.length + 1), 0, pick(BAD_LINES))
  if (random(6) === 0) lines.splice(random(lines.length + 1), 0, pick(['', '# comment', '#user=bob lr']))
  return lines.join(pick(['\n', '\n', '\r\n'])) + pick(['', '\n'])
}

const BAD_LINES = [
  'bob lr',
  'user=bob lrz',
  'user=bob LR',
  ' user=bob lr',
  ' ',
  'user=bob l r',
  'user=bob lr # comment',
  '"user=bob lr',
  '"user=bob"lr',
  '"user=bob\\',
  '-"user=bob" lr',
  'Owner lr',
  'owner=bob lr',
  '-',
  'user=bob +lr',
  'user=bob lrc',
]
