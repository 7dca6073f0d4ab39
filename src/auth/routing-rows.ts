// Finds the rows that `postern move` changes, in the passdbs that can be written to.
import type { Config, ConfigFiles, PassdbSettings } from '../config/config.ts'
import { ExpandError } from '../config/expand.ts'
import type { AuthConnection } from './auth.ts'
import { assignUser } from './identity.ts'
import { AuthConfigError, type AuthNeeds } from './needs.ts'
import { DatabaseConfigError } from './passdb/passdb.ts'
import { AuthRequest } from './request.ts'
import { type RoutingRow, RoutingRowError, type RoutingRows, type RowSource } from './routing-row.ts'
import { PasswdFileRows } from './routing-row-passwd-file.ts'
import { SqlRows } from './routing-row-sql.ts'
import { authSettings } from './settings.ts'

/** Opens the passdbs of a service that can be written to: sql and passwd-file. Throws AuthConfigError. */
export function openRoutingRows(input: {
  readonly config: Config
  readonly configFiles: ConfigFiles
  readonly needs: AuthNeeds
  /** imap, pop3 ...: services may have passdbs of their own. */
  readonly service: string
}): RoutingRows {
  const { config, configFiles, needs, service } = input
  const settings = authSettings(config.settings({ protocol: service }))
  const blocks = config.passdbs(service).filter(({ master, deny }) => !master && !deny)
  const sources = blocks.map((block) => openSource(block, configFiles, needs)).filter((source) => source !== undefined)
  return {
    async find(user, signal) {
      const request = new AuthRequest(connectionOf(service), settings, needs, undefined, undefined)
      const fault = assignUser(request, { passdbs: [], masterdbs: [] }, user)
      if (fault !== undefined) throw new RoutingRowError(fault.text, true)
      for (const source of sources) {
        const row = await findIn(source, request, signal)
        if (row !== undefined) return row
      }
      const drivers = blocks.map(({ driver }) => driver).join(', ')
      throw new RoutingRowError(`no sql or passwd-file passdb has a row for this user (passdbs: ${drivers})`, true)
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()))
    },
  }
}

async function findIn(source: RowSource, request: AuthRequest, signal: AbortSignal): Promise<RoutingRow | undefined> {
  try {
    return await source.find(request, signal)
  } catch (error) {
    throw error instanceof ExpandError ? new RoutingRowError(error.message) : error
  }
}

function openSource({ driver, args, at }: PassdbSettings, files: ConfigFiles, needs: AuthNeeds): RowSource | undefined {
  try {
    if (driver === 'sql') return new SqlRows(args, files, needs)
    return driver === 'passwd-file' ? new PasswdFileRows(args) : undefined
  } catch (error) {
    if (!(error instanceof DatabaseConfigError)) throw error
    throw new AuthConfigError([{ severity: 'error', text: error.message, at }])
  }
}

const NOWHERE = { ip: '', port: 0 } as const

function connectionOf(service: string): AuthConnection {
  return {
    service,
    session: '',
    local: NOWHERE,
    remote: NOWHERE,
    realLocal: NOWHERE,
    realRemote: NOWHERE,
    secured: '',
    forward: new Map(),
  }
}
