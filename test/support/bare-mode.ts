/**
 * How the servers of tests are started besides: `POSTERN_TEST_BARE=1` with bare sockets, `=0` without, otherwise as Postern is
 * without being told.
 */
export const BARE_ARGS: readonly string[] = bareArgs(process.env['POSTERN_TEST_BARE'])

/** Arguments of `postern serve`. */
export function bareArgs(value: string | undefined): readonly string[] {
  if (value !== '0' && value !== '1') return []
  return ['-o', `postern_bare_sockets=${value === '1' ? 'yes' : 'no'}`]
}
