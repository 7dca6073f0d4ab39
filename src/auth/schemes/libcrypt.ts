/** The system's crypt(3), for hashes that Node has no code for and because it is several times faster at the others. */
export interface Libcrypt {
  /** On the event loop: for settings that take microseconds. `undefined` when libcrypt does not take the setting. */
  crypt(password: Buffer, setting: string): string | undefined
  /** The same on a thread. */
  cryptAsync(password: Buffer, setting: string): Promise<string | undefined>
}

let opened: Promise<Libcrypt | undefined> | undefined

/** The system's libcrypt, or `undefined` where it or the optional package `koffi` is missing. Loaded once. */
export function openLibcrypt(): Promise<Libcrypt | undefined> {
  opened ??= load()
  return opened
}

/** sizeof(struct crypt_data) of the older GNU library; libxcrypt needs less. */
const DATA_BYTES = 131_232

async function load(): Promise<Libcrypt | undefined> {
  try {
    const { default: koffi } = await import('koffi')
    const cryptR = koffi
      .load('libcrypt.so.1')
      .func('char *crypt_r(const void *phrase, const char *setting, void *data)')
    const ownData = Buffer.alloc(DATA_BYTES)
    return {
      crypt: (password, setting) => hashOf(cryptR(cString(password), setting, ownData)),
      cryptAsync(password, setting) {
        const phrase = cString(password)
        const data = Buffer.alloc(DATA_BYTES)
        return new Promise((resolve, reject) => {
          cryptR.async(phrase, setting, data, (error: unknown, text: unknown) => {
            // Also keeps both buffers until the thread is done with them.
            phrase.fill(0)
            data.fill(0)
            if (error instanceof Error) reject(error)
            else resolve(hashOf(text))
          })
        })
      },
    }
  } catch {
    return undefined
  }
}

function cString(password: Buffer): Buffer {
  return Buffer.concat([password, Buffer.alloc(1)])
}

/** libxcrypt answers `*0` or `*1`, other libraries nothing, when they cannot. */
function hashOf(text: unknown): string | undefined {
  return typeof text === 'string' && !text.startsWith('*') ? text : undefined
}
