// The process that talks to libpam: one conversation at a time. PAM modules block, want a large stack and may abort.
import type { PamAnswer, PamQuestion } from './question.ts'

/** Modules put whole files on the stack; with koffi's default the process aborts. */
const STACK_BYTES = 8 * 1024 * 1024

const PAM = { user: 2, tty: 3, rhost: 4, establishCred: 2, convErr: 19, promptEchoOff: 1, promptEchoOn: 2 } as const

const { default: koffi } = await import('koffi')
koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES })
const libc = koffi.load('libc.so.6')
const calloc = libc.func('void *calloc(size_t count, size_t size)')
const strdup = libc.func('void *strdup(const void *text)')

const MessageStruct = koffi.struct('pam_message', { msg_style: 'int', msg: 'char *' })
const ResponseStruct = koffi.struct('pam_response', { resp: 'void *', resp_retcode: 'int' })
const Conversation = koffi.proto(
  'int pam_conversation(int count, const void **messages, _Out_ void **responses, void *data)',
)
koffi.struct('pam_conv', { conv: koffi.pointer(Conversation), appdata_ptr: 'void *' })

const pam = koffi.load('libpam.so.0')
const start = declare(
  pam,
  'int pam_start_confdir(const char *service, const char *user, const pam_conv *conv, const char *confdir, _Out_ void **handle)',
)
const setItem = declare(pam, 'int pam_set_item(void *handle, int type, const char *item)')
const getItem = declare(pam, 'int pam_get_item(void *handle, int type, _Out_ char **item)')
const strerror = declare(pam, 'const char *pam_strerror(void *handle, int code)')
const step = (name: string): Native => declare(pam, `int ${name}(void *handle, int flags)`)
const steps = {
  authenticate: step('pam_authenticate'),
  setcred: step('pam_setcred'),
  account: step('pam_acct_mgmt'),
  open: step('pam_open_session'),
  close: step('pam_close_session'),
  end: step('pam_end'),
}

type Native = (...args: unknown[]) => unknown

function declare(library: typeof pam, prototype: string): Native {
  return library.func(prototype) as Native
}

/** Answers PAM's prompts; PAM frees what it is given. */
function converse(question: PamQuestion): (count: number, messages: unknown, responses: unknown) => number {
  const password = cString(Buffer.from(question.password, 'base64'))
  const user = cString(Buffer.from(question.user))
  return (count, messages, responses) => {
    const pointers = koffi.decode(messages, 'void *', count) as unknown[]
    const array: unknown = calloc(count, koffi.sizeof(ResponseStruct))
    for (const [index, pointer] of pointers.entries()) {
      const { msg_style: style } = koffi.decode(pointer, MessageStruct) as { msg_style: number }
      const text = style === PAM.promptEchoOff ? password : style === PAM.promptEchoOn ? user : undefined
      const resp: unknown = text === undefined ? null : strdup(text)
      koffi.encode(array, index * koffi.sizeof(ResponseStruct), ResponseStruct, { resp, resp_retcode: 0 })
    }
    koffi.encode(responses, 'void *', array)
    return 0
  }
}

function cString(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(1)])
}

process.on('message', (question: PamQuestion) => {
  let answer: PamAnswer
  try {
    answer = verify(question)
  } catch (error) {
    answer = { step: 'libpam', code: -1, text: error instanceof Error ? error.message : String(error) }
  }
  process.send?.(answer)
})

function verify(question: PamQuestion): PamAnswer {
  const callback = koffi.register(converse(question), koffi.pointer(Conversation))
  const handle: [unknown] = [null]
  try {
    const { service, user, confdir } = question
    const code = Number(start(service, user, { conv: callback, appdata_ptr: null }, confdir, handle))
    if (code !== 0) return { step: 'pam_start', code, text: 'cannot start' }
    const last = runSteps(handle[0], question)
    steps.end(handle[0], last.code)
    return last
  } finally {
    koffi.unregister(callback)
  }
}

function runSteps(handle: unknown, question: PamQuestion): PamAnswer {
  setItem(handle, PAM.tty, 'dovecot')
  if (question.remoteIp !== '') setItem(handle, PAM.rhost, question.remoteIp)
  const plan: [name: string, run: Native, flags: number, wanted: boolean][] = [
    ['pam_authenticate', steps.authenticate, 0, true],
    ['pam_setcred', steps.setcred, PAM.establishCred, question.setcred],
    ['pam_acct_mgmt', steps.account, 0, true],
    ['pam_open_session', steps.open, 0, question.session],
    ['pam_close_session', steps.close, 0, question.session],
  ]
  for (const [name, run, flags, wanted] of plan) {
    const code = wanted ? Number(run(handle, flags)) : 0
    if (code !== 0) return { step: name, code, text: String(strerror(handle, code)) }
  }
  const user: [unknown] = [null]
  getItem(handle, PAM.user, user)
  return { step: '', code: 0, text: '', user: typeof user[0] === 'string' ? user[0] : question.user }
}

process.send?.({ step: 'ready', code: 0, text: '' } satisfies PamAnswer)
