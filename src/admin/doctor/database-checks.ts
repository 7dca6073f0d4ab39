import type { Config, Filter, PassdbSettings } from '../../config/config.ts'
import type { Finding } from './finding.ts'

/** Databases that let everybody in, or nobody. */
export function checkDatabases(config: Config, { protocol }: Filter): readonly Finding[] {
  if (protocol === undefined || protocol === 'none') return []
  const passdbs = config.passdbs(protocol)
  if (passdbs.length === 0 && protocol !== 'lmtp') {
    return [{ severity: 'warning', text: `no passdb for ${protocol}: nobody can log in` }]
  }
  return passdbs.flatMap((passdb) => [
    ...open(passdb),
    ...unverified(passdb),
    ...incomplete(passdb),
    ...unreachable(passdb),
  ])
}

function* open(passdb: PassdbSettings): Generator<Finding> {
  const fields = fieldsOf(passdb)
  if (passdb.driver !== 'static' || !fields.has('nopassword') || passdb.master || passdb.deny) return
  if (fields.has('proxy') || fields.has('proxy_maybe') || fields.has('proxy_always')) return
  const text = 'passdb static with nopassword and without proxy: any user gets in with any password'
  yield { severity: 'warning', text, at: passdb.at }
}

function* unverified(passdb: PassdbSettings): Generator<Finding> {
  for (const field of ['ssl', 'starttls']) {
    if (fieldsOf(passdb).get(field) !== 'any-cert') continue
    const text = `passdb ${passdb.driver} sets ${field}=any-cert: the backend's certificate is not checked, so anybody between can read passwords`
    yield { severity: 'warning', text, at: passdb.at }
  }
}

function* incomplete(passdb: PassdbSettings): Generator<Finding> {
  const fields = fieldsOf(passdb)
  if (passdb.driver !== 'static' || !fields.has('proxy') || fields.has('host')) return
  yield { severity: 'warning', text: 'passdb static with proxy but without host: every login fails', at: passdb.at }
}

function* unreachable({ mechanisms, at }: PassdbSettings): Generator<Finding> {
  if (mechanisms.length !== 1 || mechanisms[0]?.toLowerCase() !== 'none') return
  yield { severity: 'warning', text: 'passdb with mechanisms = none alone is never asked', at }
}

/** The fields that a passdb block sets by itself; of other drivers than static, `args` are something else. */
function fieldsOf({ driver, args, default_fields, override_fields }: PassdbSettings): ReadonlyMap<string, string> {
  const words = [default_fields, driver === 'static' ? args : '', override_fields].join(' ').split(/[ \t]+/)
  return new Map(
    words.map((word) => {
      const equals = word.indexOf('=')
      return equals < 0 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)]
    }),
  )
}
