/** Dialogues on an auth socket, as Dovecot 2.3.19 has them: what a client says, and what it hears. */

export interface Dialogue {
  readonly why: string
  readonly steps: readonly Step[]
  /** Where Postern hears or says something else: the row of dovecot-differences. */
  readonly differs?: { readonly name: string; readonly steps: readonly Step[] }
}

/** Bytes of the client, then the lines it hears in any order; `END` is the end of the connection. */
export type Step = readonly [said: string, heard: readonly (string | RegExp)[]]

export const END = '<end>'

/** A passwd-file. All passwords are `pass`. */
export const USERS = `joe:{PLAIN}pass::::::
jane:{PLAIN}pass:::::: user=janet@example.org
prox:{PLAIN}pass:::::: proxy host=192.0.2.1 port=143 pass=secret destuser=x
nolo:{PLAIN}pass:::::: nologin reason=Later
refer:{PLAIN}pass:::::: nologin host=192.0.2.2 port=144 destuser=y
maybe:{PLAIN}pass:::::: proxy_maybe host=192.0.2.1
temp:{PLAIN}pass:::::: temp
coded:{PLAIN}pass:::::: code=user_disabled
codeexp:{PLAIN}pass:::::: code=pass_expired reason=Old
reas:{PLAIN}pass:::::: reason=Because
nets:{PLAIN}pass:::::: allow_nets=10.0.0.0/8
nodel:{PLAIN}pass:::::: nodelay
fields:{PLAIN}pass:1000:1000::/home/x::userdb_quota=1 extra=val forward_a=b user_alias=q
failer:{PLAIN}pass:::::: fail
denied:{PLAIN}pass::::::
sent:{PLAIN}pass:::::: v=%s/%l/%r/%a/%b/%{real_lip}/%{real_rip}/%{real_lport}/%{real_rport}/%c/%k/%m/%{local_name}/%{session}/%{client_id}
`

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const plain = (user: string, password = 'pass', authzid = ''): string => base64(`${authzid}\0${user}\0${password}`)
const auth = (id: number | string, user: string, password?: string, more = '', authzid?: string): string =>
  `AUTH\t${id}\tPLAIN\tservice=smtp${more}\tresp=${plain(user, password, authzid)}\n`
const HELLO = 'VERSION\t1\t1\nCPID\t4321\n'
const JOE = 'OK\t1\tuser=joe'
const LATE = 'reason=Authentication request timed out'

/** One request after the handshake. */
function one(why: string, said: string, ...heard: readonly (string | RegExp)[]): Dialogue {
  return { why, steps: [[HELLO + said, heard]] }
}

/** The client is closed without a word. */
function ended(why: string, said: string): Dialogue {
  return { why, steps: [[said, [END]]] }
}

/** Dovecot writes an empty parameter for each field that it keeps to itself. */
function withoutEmpty(why: string, said: string, dovecot: string, postern: string): Dialogue {
  return {
    ...one(why, said, dovecot),
    differs: { name: 'auth-socket-hidden-fields', steps: [[HELLO + said, [postern]]] },
  }
}

const answers: readonly Dialogue[] = [
  one('the right password', auth(1, 'joe'), JOE),
  one('a wrong password', auth(1, 'joe', 'bad'), 'FAIL\t1\tuser=joe'),
  one('an unknown user', auth(1, 'nobody'), 'FAIL\t1\tuser=nobody'),
  withoutEmpty(
    'a user who is renamed',
    auth(1, 'jane'),
    'OK\t1\tuser=janet@example.org\t\toriginal_user=jane',
    'OK\t1\tuser=janet@example.org\toriginal_user=jane',
  ),
  one('a name in capitals', auth(1, 'JOE'), 'OK\t1\tuser=joe\toriginal_user=JOE'),
  one('the same with a wrong password', auth(1, 'JOE', 'bad'), 'FAIL\t1\tuser=joe\toriginal_user=JOE'),
  one(
    'a user of another server',
    auth(1, 'prox'),
    'OK\t1\tuser=prox\tproxy\thost=192.0.2.1\tport=143\tpass=secret\tdestuser=x',
  ),
  one('perhaps of another server', auth(1, 'maybe'), 'OK\t1\tuser=maybe\tproxy_maybe\thost=192.0.2.1'),
  one('nologin is for the client to see', auth(1, 'nolo'), 'OK\t1\tuser=nolo\tnologin\treason=Later'),
  one('a referral, too', auth(1, 'refer'), 'OK\t1\tuser=refer\tnologin\thost=192.0.2.2\tport=144\tdestuser=y'),
  one('nologin with a wrong password', auth(1, 'nolo', 'bad'), 'FAIL\t1\tuser=nolo'),
  one('temp with the right password', auth(1, 'temp'), 'OK\t1\tuser=temp\ttemp'),
  one('a code with the right password', auth(1, 'coded'), 'OK\t1\tuser=coded\tcode=user_disabled'),
  one('code and reason', auth(1, 'codeexp'), 'OK\t1\tuser=codeexp\tcode=pass_expired\treason=Old'),
  one('a code with a wrong password', auth(1, 'codeexp', 'bad'), 'FAIL\t1\tuser=codeexp'),
  one('a reason with a wrong password', auth(1, 'reas', 'bad'), 'FAIL\t1\tuser=reas'),
  one('nodelay', auth(1, 'nodel'), 'OK\t1\tuser=nodel\tnodelay'),
  one('nodelay with a wrong password', auth(1, 'nodel', 'bad'), 'FAIL\t1\tuser=nodel'),
  one('fields for whom it may concern', auth(1, 'fields'), 'OK\t1\tuser=fields\textra=val\tforward_a=b\tuser_alias=q'),
  one('the field fail', auth(1, 'failer'), 'FAIL\t1\tuser=failer'),
  one('a deny database', auth(1, 'denied'), 'FAIL\t1\tuser=denied\tcode=user_disabled'),
  one('allow_nets without an address', auth(1, 'nets'), 'FAIL\t1\tuser=nets'),
  withoutEmpty('allow_nets', auth(1, 'nets', 'pass', '\trip=10.1.2.3'), 'OK\t1\tuser=nets\t', 'OK\t1\tuser=nets'),
  one('a master user', auth(1, 'joe*boss'), 'OK\t1\tuser=joe\toriginal_user=boss\tauth_user=boss'),
  one(
    'a master user by authzid',
    auth(1, 'boss', 'pass', '', 'joe'),
    'OK\t1\tuser=joe\toriginal_user=boss\tauth_user=boss',
  ),
  one('a wrong master password', auth(1, 'joe*boss', 'bad'), 'FAIL\t1\tuser=boss'),
  one('a name that may not be one', auth(1, 'a\tb'), 'FAIL\t1\tuser=a\u0001tb\toriginal_user=a\u0001tb'),
  one('no name', auth(1, ''), 'FAIL\t1\tuser=\toriginal_user='),
  one('ANONYMOUS', `AUTH\t1\tANONYMOUS\tservice=smtp\tresp=${base64('x')}\n`, 'OK\t1\tuser=anonymous\tanonymous'),
]

const exchanges: readonly Dialogue[] = [
  {
    why: 'a response after an empty challenge, and a second one that is too late',
    steps: [
      [`${HELLO}AUTH\t1\tPLAIN\tservice=smtp\n`, ['CONT\t1\t']],
      [`CONT\t1\t${plain('joe')}\n`, [JOE]],
      [`CONT\t1\t${plain('joe')}\n`, [`FAIL\t1\t${LATE}`]],
      ['CONT\t7\tabc\n', [`FAIL\t7\t${LATE}`]],
      ['CONT\t0\tabc\n', [`FAIL\t0\t${LATE}`]],
    ],
  },
  {
    why: 'LOGIN',
    steps: [
      [`${HELLO}AUTH\t1\tLOGIN\tservice=smtp\tsecured\n`, [`CONT\t1\t${base64('Username:')}`]],
      [`CONT\t1\t${base64('joe')}\n`, [`CONT\t1\t${base64('Password:')}`]],
      [`CONT\t1\t${base64('pass')}\n`, [JOE]],
      [`AUTH\t2\tLOGIN\tservice=smtp\tresp=${base64('joe')}\n`, [`CONT\t2\t${base64('Password:')}`]],
      [`CONT\t2\t${base64('bad')}\n`, ['FAIL\t2\tuser=joe']],
    ],
  },
  {
    why: 'two exchanges side by side',
    steps: [
      [
        `${HELLO}AUTH\t1\tLOGIN\tservice=smtp\nAUTH\t2\tLOGIN\tservice=smtp\n`,
        [`CONT\t1\t${base64('Username:')}`, `CONT\t2\t${base64('Username:')}`],
      ],
      [
        `CONT\t2\t${base64('joe')}\nCONT\t1\t${base64('reas')}\n`,
        [`CONT\t1\t${base64('Password:')}`, `CONT\t2\t${base64('Password:')}`],
      ],
      [
        `CONT\t1\t${base64('pass')}\nCONT\t2\t${base64('bad')}\n`,
        ['FAIL\t2\tuser=joe', 'OK\t1\tuser=reas\treason=Because'],
      ],
    ],
  },
  one(
    'several requests at a time',
    auth(1, 'joe') + auth(2, 'joe', 'bad') + auth(3, 'reas') + auth(4, 'nobody'),
    JOE,
    'FAIL\t2\tuser=joe',
    'OK\t3\tuser=reas\treason=Because',
    'FAIL\t4\tuser=nobody',
  ),
  {
    why: 'a number may be used again',
    steps: [
      [HELLO + auth(1, 'joe'), [JOE]],
      [auth(1, 'joe'), [JOE]],
    ],
  },
  {
    why: 'OAuth tells why before it refuses',
    steps: [
      [
        `${HELLO}AUTH\t1\tXOAUTH2\tservice=smtp\tresp=${base64('user=joe\u0001auth=Bearer x\u0001\u0001')}\n`,
        [`CONT\t1\t${base64('{"status":"401","schemes":"bearer","scope":"mail"}')}`],
      ],
      ['CONT\t1\t\n', ['FAIL\t1\tuser=joe']],
    ],
  },
  {
    why: 'CRAM-MD5 and a wrong digest',
    steps: [
      [`${HELLO}AUTH\t1\tCRAM-MD5\tservice=smtp\n`, [/^CONT\t1\tPD[A-Za-z0-9+/=]+$/]],
      [`CONT\t1\t${base64('joe 0123')}\n`, ['FAIL\t1\tuser=joe']],
    ],
  },
  {
    why: 'CANCEL is not answered',
    steps: [
      [`${HELLO}AUTH\t1\tPLAIN\tservice=smtp\n`, ['CONT\t1\t']],
      [`CANCEL\t1\nCANCEL\t9\n${auth(2, 'joe')}`, ['OK\t2\tuser=joe']],
      [`CONT\t1\t${plain('joe')}\n`, [`FAIL\t1\t${LATE}`]],
    ],
  },
]

const badBase64 = (which: string): string => `code=invalid_base64\treason=Invalid base64 data in ${which} response`

const messages: readonly Dialogue[] = [
  one(
    'no base64 in the initial response; the connection lives on',
    `AUTH\t1\tPLAIN\tservice=smtp\tresp=!!!\n${auth(2, 'joe')}`,
    `FAIL\t1\t${badBase64('initial')}`,
    'OK\t2\tuser=joe',
  ),
  ...['!!!', '*', `${plain('joe')}\tfoo`].map(
    (data): Dialogue => ({
      why: `no base64 in a response: ${data}`,
      steps: [
        [`${HELLO}AUTH\t1\tPLAIN\tservice=smtp\n`, ['CONT\t1\t']],
        [`CONT\t1\t${data}\n${auth(2, 'joe')}`, [`FAIL\t1\t${badBase64('continued')}`, 'OK\t2\tuser=joe']],
      ],
    }),
  ),
  one('an empty resp is none', 'AUTH\t1\tPLAIN\tservice=smtp\tresp=\n', 'CONT\t1\t'),
  one('nor one without a value', 'AUTH\t1\tPLAIN\tservice=smtp\tresp\n', 'CONT\t1\t'),
  one('= is an empty message', 'AUTH\t1\tPLAIN\tservice=smtp\tresp==\n', 'FAIL\t1'),
  one('a lower case mechanism', `AUTH\t1\tplain\tservice=smtp\tresp=${plain('joe')}\n`, JOE),
  one('CRLF', auth(1, 'joe').replace('\n', '\r\n'), JOE),
  one('parameters nobody knows', auth(1, 'joe', 'pass', '\tfoo=bar\tbaz\tnologin\tno-penalty'), JOE),
  one('many of them', auth(1, 'joe', 'pass', '\tx=y'.repeat(400)), JOE),
  one('an empty service', `AUTH\t1\tPLAIN\tservice=\tresp=${plain('joe')}\n`, JOE),
  one('the largest number', auth(4_294_967_295, 'joe'), 'OK\t4294967295\tuser=joe'),
  one('a number with zeros', auth('007', 'joe'), 'OK\t7\tuser=joe'),
]

const sent = (values: string): string => `OK\t1\tuser=sent\t${values}`
const connections: readonly Dialogue[] = [
  one('nothing known', auth(1, 'sent'), sent('v=smtp///0/0///0/0///PLAIN///')),
  one('secured', auth(1, 'sent', 'pass', '\tsecured'), sent('v=smtp///0/0///0/0/secured//PLAIN///')),
  one('secured by TLS', auth(1, 'sent', 'pass', '\tsecured=tls'), sent('v=smtp///0/0///0/0/TLS//PLAIN///')),
  one(
    'as Postfix sends it',
    auth(1, 'sent', 'pass', '\tnologin\tlip=192.0.2.2\trip=192.0.2.1\tsecured'),
    sent('v=smtp/192.0.2.2/192.0.2.1/0/0/192.0.2.2/192.0.2.1/0/0/secured//PLAIN///'),
  ),
  {
    why: 'as Exim sends it: everything at once',
    steps: [
      [
        `VERSION\t1\t0\nCPID\t4321\nAUTH\t1\tPLAIN\tservice=smtp\tsecured\trip=192.0.2.1\tlip=192.0.2.2\tnologin\tresp=${plain('sent')}\n`,
        [sent('v=smtp/192.0.2.2/192.0.2.1/0/0/192.0.2.2/192.0.2.1/0/0/secured//PLAIN///')],
      ],
    ],
  },
  {
    why: 'Exim without an initial response',
    steps: [
      [
        `VERSION\t1\t0\nCPID\t4321\nAUTH\t1\tLOGIN\tservice=smtp\trip=192.0.2.1\tlip=192.0.2.2\tnologin\tresp=\n`,
        [`CONT\t1\t${base64('Username:')}`],
      ],
      [`CONT\t1\t${base64('joe')}\n`, [`CONT\t1\t${base64('Password:')}`]],
      [`CONT\t1\t${base64('pass')}\n`, [JOE]],
    ],
  },
  one(
    'everything',
    auth(
      1,
      'sent',
      'pass',
      '\trip=::1\tlip=192.0.2.2\trport=1\tlport=2\treal_rip=192.0.2.3\treal_lip=192.0.2.4\treal_rport=3\treal_lport=4' +
        '\tsession=sess\tlocal_name=a.b\tclient_id=cid\tvalid-client-cert',
    ),
    sent('v=smtp/192.0.2.2/::1/2/1/192.0.2.4/192.0.2.3/4/3//valid/PLAIN/a.b/sess/cid'),
  ),
  one(
    'what is no address or port is unknown',
    auth(1, 'sent', 'pass', '\trip=bad\trport=x\tlport=70000'),
    sent('v=smtp///0/0///0/0///PLAIN///'),
  ),
  one(
    'forwarded fields',
    auth(1, 'joe', 'pass', '\tforward_fields=a=b\u0001tc=d'),
    'OK\t1\tuser=joe\tforward_a=b\tforward_c=d',
  ),
]

const faults: readonly Dialogue[] = [
  ended('no handshake', auth(1, 'joe')),
  ended('CPID before VERSION', 'CPID\t100\nVERSION\t1\t1\n'),
  ended('VERSION alone', `VERSION\t1\t1\n${auth(1, 'joe')}`),
  ended('another major version', 'VERSION\t2\t0\n'),
  ended('no minor version', 'VERSION\t1\n'),
  ended('no numbers', 'VERSION\tx\ty\n'),
  ended('VERSION twice', 'VERSION\t1\t1\nVERSION\t1\t1\n'),
  ended('process 0', 'VERSION\t1\t1\nCPID\t0\n'),
  ended('no process', 'VERSION\t1\t1\nCPID\tx\n'),
  ended('CPID twice', `${HELLO}CPID\t56\n`),
  ended('VERSION later', `${HELLO}VERSION\t1\t1\n`),
  ended('an unknown mechanism', `${HELLO}AUTH\t1\tNOSUCH\tservice=smtp\tresp=\n`),
  ended('no service', `${HELLO}AUTH\t1\tPLAIN\tresp=${plain('joe')}\n`),
  ended('resp in the middle', `${HELLO}AUTH\t1\tPLAIN\tservice=smtp\tresp=${plain('joe')}\tsecured\n`),
  ...['0', '-1', '4294967296', 'abc', '1x', ''].map((id) => ended(`the number '${id}'`, HELLO + auth(id, 'joe'))),
  ended('AUTH alone', `${HELLO}AUTH\n`),
  ended('AUTH without a mechanism', `${HELLO}AUTH\t1\n`),
  ended('AUTH without parameters', `${HELLO}AUTH\t1\tPLAIN\n`),
  ended('CONT alone', `${HELLO}CONT\n`),
  ended('CONT without data', `${HELLO}CONT\t1\n`),
  ended('CONT without a number', `${HELLO}CONT\tx\tabc\n`),
  ended('CANCEL without a number', `${HELLO}CANCEL\tx\n`),
  ended('an unknown command', `${HELLO}FOO\tbar\n`),
  ended('a command in lower case', `${HELLO}auth\t1\tPLAIN\tservice=smtp\n`),
  ended('an empty line', `${HELLO}\n`),
  ended('a line that is too long', `${HELLO}AUTH\t1\tPLAIN\tservice=smtp\tfoo=${'x'.repeat(20_000)}\n`),
  {
    why: 'a number that is in use',
    steps: [
      [`${HELLO}AUTH\t1\tPLAIN\tservice=smtp\n`, ['CONT\t1\t']],
      [auth(1, 'joe'), [END]],
    ],
  },
]

export const dialogues: readonly Dialogue[] = [...answers, ...exchanges, ...messages, ...connections, ...faults]
