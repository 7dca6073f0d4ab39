// System accounts: the C library's own look-up, so that every source in nsswitch.conf counts; without the optional package
// `koffi`, the files themselves.
import type { AuthFiles } from './needs.ts'

export interface SystemUser {
  readonly name: string
  /** The hash; `x` where it is in the shadow file. */
  readonly password: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

export interface ShadowEntry {
  readonly name: string
  readonly password: string
  /** Days since 1970 on which the account expires. */
  readonly expiresDay: number | undefined
}

/** Methods resolve with `undefined` for users that are not there, and reject when nobody can tell. */
export interface SystemUsers {
  user(name: string): Promise<SystemUser | undefined>
  shadow(name: string): Promise<ShadowEntry | undefined>
}

/** The C library's users; the files' where there is no C library to ask. */
export function openSystemUsers(files: AuthFiles): SystemUsers {
  const library = loadLibrary()
  const text = usersFromFiles(files)
  return {
    user: async (name) => await ((await library) ?? text).user(name),
    shadow: async (name) => await ((await library) ?? text).shadow(name),
  }
}

/** /etc/passwd and /etc/shadow. */
export function usersFromFiles(files: AuthFiles): SystemUsers {
  const find = async (path: string, name: string): Promise<readonly string[] | undefined> => {
    const lines = (await files.read(path)).toString('utf8').split('\n')
    return lines.map((line) => line.split(':')).find(([user]) => user === name)
  }
  return {
    async user(name) {
      const line = await find('/etc/passwd', name)
      if (line === undefined) return undefined
      const [, password = '', uid, gid, , home = ''] = line
      return { name, password, uid: Number(uid), gid: Number(gid), home }
    },
    async shadow(name) {
      const line = await find('/etc/shadow', name)
      if (line === undefined) return undefined
      const [, password = '', , , , , , expires = ''] = line
      return { name, password, expiresDay: expires === '' ? undefined : Number(expires) }
    },
  }
}

const BUFFER_BYTES = 64 * 1024

/** getpwnam_r and getspnam_r, on threads: a source in nsswitch.conf may be a slow network. */
async function loadLibrary(): Promise<SystemUsers | undefined> {
  try {
    const { default: koffi } = await import('koffi')
    const library = koffi.load('libc.so.6')
    const text = 'char *'
    const passwd = koffi.struct({
      pw_name: text,
      pw_passwd: text,
      pw_uid: 'uint32',
      pw_gid: 'uint32',
      pw_gecos: text,
      pw_dir: text,
      pw_shell: text,
    })
    const spwd = koffi.struct({
      sp_namp: text,
      sp_pwdp: text,
      sp_lstchg: 'long',
      sp_min: 'long',
      sp_max: 'long',
      sp_warn: 'long',
      sp_inact: 'long',
      sp_expire: 'long',
      sp_flag: 'ulong',
    })
    const declare = (name: string, struct: typeof passwd): Lookup =>
      library.func(name, 'int', [
        'str',
        koffi.out(koffi.pointer(struct)),
        'void *',
        'size_t',
        koffi.out(koffi.pointer('void *')),
      ]) as unknown as Lookup
    const getpwnam = declare('getpwnam_r', passwd)
    const getspnam = declare('getspnam_r', spwd)
    return {
      async user(name) {
        const found = await ask(getpwnam, 'getpwnam', name)
        if (found === undefined) return undefined
        const { pw_name, pw_passwd, pw_uid, pw_gid, pw_dir } = found
        return {
          name: String(pw_name),
          password: textOf(pw_passwd),
          uid: Number(pw_uid),
          gid: Number(pw_gid),
          home: textOf(pw_dir),
        }
      },
      async shadow(name) {
        const found = await ask(getspnam, 'getspnam', name)
        if (found === undefined) return undefined
        const expires = Number(found['sp_expire'])
        return {
          name: String(found['sp_namp']),
          password: textOf(found['sp_pwdp']),
          expiresDay: expires < 0 ? undefined : expires,
        }
      },
    }
  } catch {
    return undefined
  }
}

type Found = Readonly<Record<string, unknown>>

interface Lookup {
  async(
    name: string,
    found: Found,
    buffer: Buffer,
    size: number,
    result: [unknown],
    done: (error: Error | null, code: number) => void,
  ): void
}

/** getpwnam(3): these mean that there is no such user, as does 0 without a result. */
const NO_SUCH_USER = new Set([0, 2, 3])

function ask(lookup: Lookup, what: string, name: string): Promise<Found | undefined> {
  // To C a name ends at a NUL.
  if (name.includes('\0')) return Promise.resolve(undefined)
  const buffer = Buffer.alloc(BUFFER_BYTES)
  const found: Found = {}
  const result: [unknown] = [null]
  return new Promise((resolve, reject) => {
    lookup.async(name, found, buffer, BUFFER_BYTES, result, (error, code) => {
      // Also keeps the buffer, which the texts were in, until here.
      buffer.fill(0)
      if (error !== null) reject(error)
      else if (result[0] !== null && code === 0) resolve(found)
      else if (NO_SUCH_USER.has(code)) resolve(undefined)
      else reject(new Error(`${what}() failed: error ${code}`))
    })
  })
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
