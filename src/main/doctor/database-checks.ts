import type { Finding } from '../../admin/doctor/finding.ts'
import { type AuthServiceInput, checkAuthConfig, openAuthService } from '../../auth/service.ts'

/** Each database has its own, shorter limits. */
const CHECK_MS = 20_000

/** Errors of ext files and drivers; when there are none, every database is reached out to. */
export async function checkReach(input: AuthServiceInput): Promise<readonly Finding[]> {
  const complaints = await checkAuthConfig(input)
  if (complaints.some(({ severity }) => severity === 'error')) return complaints
  const auth = await openAuthService(input)
  try {
    const checked = await auth.check(AbortSignal.timeout(CHECK_MS))
    const unreachable = checked.flatMap(({ part, problem, at }): Finding[] =>
      problem === undefined
        ? []
        : [{ severity: 'error', text: `${part} cannot be used: ${problem}`, ...(at && { at }) }],
    )
    return [...complaints, ...unreachable]
  } finally {
    await auth.close()
  }
}
