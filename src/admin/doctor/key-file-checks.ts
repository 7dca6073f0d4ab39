import type { ValueFile } from '../../config/value-files.ts'
import type { Finding } from './finding.ts'

const SECRET_SETTINGS = /(^|\/)(ssl_key|ssl_alt_key|ssl_client_key|[a-z_]*_password|[a-z_]*_nonce)$/
const FOR_OTHERS = 0o007

/** Keys and passwords in files that every user of the machine may read. `modeOf` gives a file's mode, undefined if unknown. */
export function checkKeyFiles(
  files: readonly ValueFile[],
  modeOf: (path: string) => number | undefined,
): readonly Finding[] {
  return files
    .filter(({ setting, path }) => SECRET_SETTINGS.test(setting) && ((modeOf(path) ?? 0) & FOR_OTHERS) !== 0)
    .map(({ setting, path, at }) => ({
      severity: 'warning',
      text: `${setting} = <${path}: every user of this machine may read that file`,
      at,
    }))
}
