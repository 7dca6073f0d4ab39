import { ExpandError } from '../../config/expand.ts'
import type { Secret } from '../../util/secret.ts'
import { compileFields, compileLate, type DatabaseField } from '../field-template.ts'
import { HttpClient } from '../oauth2/http.ts'
import { looksLikeJwt, validateJwt } from '../oauth2/jwt.ts'
import { KeyFiles, type KeyOutcome, KeySet } from '../oauth2/keys.ts'
import { askGrant, askIntrospection, type Asker, askTokenInfo } from '../oauth2/remote.ts'
import { type Oauth2Settings, readOauth2Settings } from '../oauth2/settings.ts'
import type { TokenData, TokenOutcome } from '../oauth2/token-data.ts'
import { userVariable } from '../username.ts'
import type { DatabaseNeeds, DatabaseRequest, Passdb, PassdbDriver, VerifyReply } from './passdb.ts'

/** `oauth2`: bearer tokens, checked by their server or here; or a password, exchanged for a token. */
export const oauth2Passdb = {
  name: 'oauth2',
  open(path, needs): Passdb {
    const settings = readOauth2Settings(path, needs)
    const database = new Oauth2Database(settings, needs)
    return {
      defaultScheme: 'PLAIN',
      cacheKey: settings.use_grant_password ? '%u' : '%u%w',
      openidConfigurationUrl: settings.openid_configuration_url,
      verify: (request, password, signal) => database.verify(request, password, signal),
      check: async (signal) => await database.check(signal),
      close: () => Promise.resolve(database.close()),
    }
  },
} as const satisfies PassdbDriver

class Oauth2Database {
  readonly #settings: Oauth2Settings
  readonly #needs: DatabaseNeeds
  readonly #http: HttpClient
  readonly #files: KeyFiles | undefined
  readonly #keySet: KeySet | undefined
  readonly #passAttrs: readonly DatabaseField[]

  constructor(settings: Oauth2Settings, needs: DatabaseNeeds) {
    this.#settings = settings
    this.#needs = needs
    this.#http = new HttpClient(settings, needs)
    const { local_validation_key_dict: dict, openid_configuration_url: url, introspection_mode: mode } = settings
    this.#files = dict === '' ? undefined : new KeyFiles(dict.slice('fs:posix:prefix='.length), needs)
    const usesKeySet = url !== '' && mode === 'local'
    this.#keySet = usesKeySet ? new KeySet(url, this.#http, () => needs.clock.now()) : undefined
    this.#passAttrs = compileFields(settings.pass_attrs, 'pass_attrs')
  }

  async verify(request: DatabaseRequest, password: Secret, signal: AbortSignal): Promise<VerifyReply> {
    const asker = { settings: this.#settings, http: this.#http, request, signal }
    const given = password.reveal().toString('utf8')
    const isToken = /^(oauthbearer|xoauth2)$/i.test(request.lookup('mech') ?? '')
    if (this.#settings.use_grant_password && !isToken) return await this.#exchange(asker, given)
    return this.#judge(asker, given, await this.#examine(asker, given))
  }

  /** The password grant; the token it gives is looked at when the answer says too little. */
  async #exchange(asker: Asker, password: string): Promise<VerifyReply> {
    const granted = await askGrant(asker, asker.request.user, password)
    if (granted.kind !== 'valid') return this.#refuse(asker, granted)
    const token = granted.data.get('access_token') ?? ''
    if (token === '') return { kind: 'internal-failure', log: 'oauth2 failed: Password grant: no access_token' }
    // The server has let this user in with this password: without more to ask, that is enough.
    const { username_attribute: attribute, scope } = this.#settings
    const known = new Map([[attribute, asker.request.user], ['scope', scope], ...granted.data])
    const canLook = this.#settings.introspection_url !== '' || this.#settings.tokeninfo_url !== ''
    const isComplete = granted.data.has(attribute) && !this.#settings.force_introspection
    const outcome: TokenOutcome =
      canLook && !isComplete ? await this.#examine(asker, token) : { kind: 'valid', data: known }
    return this.#judge(asker, token, outcome)
  }

  async #examine(asker: Asker, token: string): Promise<TokenOutcome> {
    const { tokeninfo_url: tokeninfo, introspection_url: introspection, introspection_mode: mode } = this.#settings
    // RFC 6750 §2.1; nothing else may stand in a header.
    if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) return { kind: 'invalid', log: 'Invalid token' }
    if (this.#files !== undefined || this.#keySet !== undefined) {
      if (looksLikeJwt(token)) return await this.#validate(token)
      if (mode === 'local' || (tokeninfo === '' && introspection === ''))
        return { kind: 'invalid', log: 'Not a JWT token' }
    }
    if (tokeninfo === '')
      return introspection === '' ? { kind: 'invalid', log: 'Invalid token' } : await askIntrospection(asker, token)
    const info = await askTokenInfo(asker, token)
    const isComplete = info.kind === 'valid' && info.data.has(this.#settings.username_attribute)
    if (info.kind !== 'valid' || introspection === '' || (isComplete && !this.#settings.force_introspection))
      return info
    const more = await askIntrospection(asker, token)
    return more.kind === 'valid' ? { kind: 'valid', data: new Map([...info.data, ...more.data]) } : more
  }

  #validate(token: string): Promise<TokenOutcome> {
    return validateJwt(token, {
      settings: this.#settings,
      now: () => this.#needs.clock.now(),
      findKey: async (azp, issuer, header): Promise<KeyOutcome> => {
        const inFile = await this.#files?.find(azp, header.alg, header.kid)
        if (this.#keySet === undefined || (inFile !== undefined && inFile.kind !== 'missing'))
          return inFile ?? { kind: 'missing', log: 'no keys' }
        const { kid, ...unnamed } = header
        return await this.#keySet.find(issuer, kid === 'default' ? unnamed : header)
      },
    })
  }

  /** Whose token it is, and whether it may be used here. */
  #judge(asker: Asker, token: string, outcome: TokenOutcome): VerifyReply {
    if (outcome.kind !== 'valid') return this.#refuse(asker, outcome)
    const { active_attribute: activeName, active_value: activeValue, scope } = this.#settings
    const { request } = asker
    const { data } = outcome
    const active = activeName === '' ? undefined : data.get(activeName)
    if (active !== undefined && activeValue !== '' && active !== activeValue)
      return this.#refuse(asker, { kind: 'invalid', log: 'Provided token is not valid' })
    const refusal = this.#userFault(request, data)
    if (refusal !== undefined) return refusal
    const wanted = scope.split(' ').filter((word) => word !== '')
    const has = new Set((data.get('scope') ?? '').split(' '))
    if (!wanted.every((word) => has.has(word))) {
      request.logDatabase('info', `oauth2 failed: Token is not valid for scope '${scope}'`)
      return { kind: 'user-disabled' }
    }
    return {
      kind: 'found',
      fields: [...this.#passAttrs.map((field) => filled(field, data)), { name: 'token', value: token, from: 'oauth2' }],
    }
  }

  #userFault(request: DatabaseRequest, data: TokenData): VerifyReply | undefined {
    const { username_attribute: attribute, username_format: format } = this.#settings
    const owner = data.get(attribute)
    if (owner === undefined || owner === '')
      return { kind: 'internal-failure', log: `oauth2 failed: No username returned ('${attribute}')` }
    try {
      if (alike(owner, format, request) === alike(request.user, format, request)) return undefined
    } catch (error) {
      if (!(error instanceof ExpandError)) throw error
      return { kind: 'internal-failure', log: `oauth2 failed: username_format: ${error.message}` }
    }
    request.logDatabase('info', 'oauth2 failed: Username did not match token')
    return { kind: 'unknown' }
  }

  #refuse({ request }: Asker, outcome: Exclude<TokenOutcome, { kind: 'valid' }>): VerifyReply {
    if (outcome.kind === 'failed') return { kind: 'internal-failure', log: outcome.log }
    request.logDatabase('info', `oauth2 failed: ${outcome.log}`)
    return { kind: 'password-mismatch' }
  }

  /** Whether the servers answer at all: without a token they have nothing else to say. */
  async check(signal: AbortSignal): Promise<string | undefined> {
    const { tokeninfo_url, introspection_url, grant_url, openid_configuration_url } = this.#settings
    const urls = [tokeninfo_url, introspection_url, grant_url, openid_configuration_url].filter((url) => url !== '')
    const problems = await Promise.all(
      urls.map(async (url) => {
        try {
          const { status } = await this.#http.ask({ url }, signal)
          return status >= 500 ? `${new URL(url).host} answers with status ${status}` : undefined
        } catch (error) {
          return error instanceof Error ? error.message : String(error)
        }
      }),
    )
    const found = problems.filter((problem) => problem !== undefined)
    return found.length === 0 ? undefined : `oauth2: ${found.join('; ')}`
  }

  close(): void {
    this.#http.close()
  }
}

function alike(user: string, format: string, request: DatabaseRequest): string {
  return compileLate(format).expand((name) => userVariable(name, user) ?? request.lookup(name))
}

/** A field of pass_attrs, with the token's fields beside the request's variables. */
function filled(field: DatabaseField, data: TokenData): DatabaseField {
  const { value } = field
  if (value === null || typeof value === 'string') return field
  return {
    ...field,
    value: {
      expand: (lookup, escape) =>
        value.expand((name) => (name.startsWith('oauth2:') ? data.get(name.slice(7)) : lookup(name)), escape),
      variables: value.variables,
      isConstant: false,
    },
  }
}
