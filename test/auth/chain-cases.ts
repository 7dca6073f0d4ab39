// Chains of passdbs and userdbs that real Dovecot and Postern both answer. `DIR` in a text is the directory of the files.

/** One `doveadm auth test`. */
export interface Attempt {
  readonly user: string
  readonly password: string
  /** `-x key=value`: service, rip, lip ... */
  readonly info?: Readonly<Record<string, string>>
  /** `-M`: the master user who logs in as `user`. */
  readonly master?: string
}

export interface ChainCase {
  readonly why: string
  readonly conf: string
  readonly files?: Readonly<Record<string, string>>
  readonly attempts?: readonly Attempt[]
  /** `doveadm auth lookup`. */
  readonly lookups?: readonly string[]
  /** `doveadm auth login`: a login and the user lookup that follows. */
  readonly sessions?: readonly Attempt[]
  /** `doveadm user -u`. */
  readonly users?: readonly string[]
}

const at = (user: string, password: string, info?: Readonly<Record<string, string>>): Attempt =>
  info === undefined ? { user, password } : { user, password, info }

/** A passwd-file block with further settings. */
function file(name: string, ...settings: string[]): string {
  return block('passdb', 'passwd-file', `DIR/${name}`, settings)
}

function fixed(args: string, ...settings: string[]): string {
  return block('passdb', 'static', args, settings)
}

function userdb(driver: string, args: string, ...settings: string[]): string {
  return block('userdb', driver, args, settings)
}

function block(kind: string, driver: string, args: string, settings: readonly string[]): string {
  const lines = [`driver = ${driver}`, ...(args === '' ? [] : [`args = ${args}`]), ...settings]
  return `${kind} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
}

const joe = 'joe:{PLAIN}secret:::::: host=10.0.0.1 proxy=y\n'
const both = [at('joe', 'secret'), at('joe', 'wrong'), at('nobody', 'x')]

export const chainCases: readonly ChainCase[] = [
  { why: 'one passwd-file', conf: file('a'), files: { a: joe }, attempts: both, lookups: ['joe', 'nobody'] },
  {
    why: 'the second is asked when the first does not know',
    conf: file('a') + file('b'),
    files: { a: joe, b: 'jane:{PLAIN}two:::::: from=b\njoe:{PLAIN}three:::::: from=b\n' },
    attempts: [...both, at('jane', 'two'), at('joe', 'three')],
    lookups: ['joe', 'jane', 'nobody'],
  },
  {
    why: 'result_failure = return stops at the first',
    conf: file('a', 'result_failure = return') + file('b'),
    files: { a: joe, b: 'joe:{PLAIN}three\njane:{PLAIN}two\n' },
    attempts: [...both, at('jane', 'two'), at('joe', 'three')],
    lookups: ['jane'],
  },
  {
    why: 'result_success = continue: the second must know the user, its password is not checked',
    conf: file('a', 'result_success = continue') + file('b'),
    files: { a: `${joe}jane:{PLAIN}two\n`, b: 'joe:{PLAIN}other:::::: port=1143\n' },
    attempts: [...both, at('jane', 'two'), at('joe', 'other')],
    lookups: ['joe', 'jane'],
  },
  {
    why: 'result_success = continue-ok: the second need not know the user',
    conf: file('a', 'result_success = continue-ok') + file('b'),
    files: { a: `${joe}jane:{PLAIN}two:::::: x=1\n`, b: 'joe:{PLAIN}other:::::: port=1143\n' },
    attempts: [...both, at('jane', 'two')],
    lookups: ['joe', 'jane'],
  },
  {
    why: 'result_success = continue-fail forgets the success',
    conf: file('a', 'result_success = continue-fail') + file('b', 'result_success = return'),
    files: { a: joe, b: 'joe:{PLAIN}secret\n' },
    attempts: both,
    lookups: ['joe'],
  },
  {
    why: 'result_success = return without a success before fails',
    conf: file('a', 'result_success = return'),
    files: { a: joe },
    attempts: both,
    lookups: ['joe'],
  },
  {
    why: 'result_success = return-fail fails',
    conf: file('a', 'result_success = continue-ok') + file('b', 'result_success = return-fail'),
    files: { a: joe, b: 'joe:{PLAIN}secret\n' },
    attempts: both,
  },
  {
    why: 'result_failure = continue-ok lets everybody in',
    conf: file('a', 'result_failure = continue-ok') + file('b'),
    files: { a: joe, b: 'jane:{PLAIN}two:::::: y=2\n' },
    attempts: [...both, at('jane', 'whatever')],
  },
  {
    why: 'result_failure = return-ok on the last one',
    conf: file('a') + file('b', 'result_failure = return-ok'),
    files: { a: joe, b: '' },
    attempts: both,
  },
  {
    why: 'a deny list refuses whoever is in it, with any password',
    conf: file('deny', 'deny = yes') + file('a'),
    files: { deny: 'joe\n', a: `${joe}jane:{PLAIN}two\n` },
    attempts: [...both, at('jane', 'two')],
    lookups: ['joe', 'jane'],
  },
  {
    why: 'a deny list that is not there denies nobody',
    conf: file('deny', 'deny = yes') + file('a'),
    files: { a: joe },
    // Once: asked again within a second, Dovecot takes the missing file for a failure.
    attempts: [at('joe', 'secret')],
  },
  {
    why: 'a template that fails is a temporary failure, unless a later database knows the user',
    conf: file('a', 'default_fields = x=%z') + file('b'),
    files: { a: joe, b: 'joe:{PLAIN}secret:::::: from=b\n' },
    attempts: both,
    lookups: ['joe', 'nobody'],
  },
  {
    why: 'result_internalfail = return-ok',
    conf: file('a', 'default_fields = x=%z', 'result_internalfail = return-ok'),
    files: { a: joe },
    attempts: both,
  },
  {
    why: 'override_fields that fail',
    conf: file('a', 'override_fields = x=%{nosuch}'),
    files: { a: joe },
    attempts: both,
  },
  {
    why: 'skip = authenticated and skip = unauthenticated',
    conf:
      file('a', 'result_success = continue') +
      file('b', 'skip = authenticated') +
      fixed('password=three third=yes', 'skip = unauthenticated'),
    files: { a: joe, b: 'jane:{PLAIN}two:::::: from=b\njoe:{PLAIN}x:::::: from=b\n' },
    attempts: [...both, at('jane', 'two')],
  },
  {
    why: 'all are skipped: a temporary failure',
    conf: file('a', 'mechanisms = cram-md5') + file('b', 'skip = unauthenticated'),
    files: { a: joe },
    attempts: both,
    lookups: ['joe'],
  },
  {
    why: 'username_filter',
    conf: file('a', 'username_filter = *@x !bad*') + fixed('password=st from=static'),
    files: {
      a: 'joe@x:{PLAIN}secret:::::: from=a\nbad@x:{PLAIN}secret:::::: from=a\njoe@y:{PLAIN}secret:::::: from=a\n',
    },
    attempts: [at('joe@x', 'secret'), at('bad@x', 'secret'), at('joe@y', 'secret'), at('bad@x', 'st')],
    lookups: ['joe@x', 'joe@y'],
  },
  {
    why: 'mechanisms',
    conf: file('a', 'mechanisms = cram-md5') + file('b', 'mechanisms = PLAIN none'),
    files: { a: 'joe:{PLAIN}one\n', b: 'joe:{PLAIN}two:::::: from=b\n' },
    attempts: [at('joe', 'one'), at('joe', 'two')],
    lookups: ['joe'],
  },
  {
    why: 'fields: protected, removed, overwritten',
    conf:
      file('a', 'result_success = continue', 'default_fields = host=1.1.1.1 z=first') +
      file(
        'b',
        'default_fields = z:protected=second y:protected=third',
        'override_fields = a:remove w=%{passdb:z}-%{passdb:nosuch:none}',
      ),
    files: {
      a: 'joe:{PLAIN}secret:::::: host=10.0.0.1 a=1 b=2\n',
      b: 'joe:{PLAIN}x:::::: b:remove c:protected=3 host:protected=9.9.9.9\n',
    },
    attempts: both,
    lookups: ['joe'],
  },
  {
    why: 'a database that fails takes its fields with it',
    conf: file('a', 'default_fields = kept=no') + file('b'),
    files: { a: 'joe:{PLAIN}one:::::: host=1.1.1.1 nodelay\n', b: 'joe:{PLAIN}two:::::: port=143\n' },
    attempts: [at('joe', 'one'), at('joe', 'two'), at('joe', 'none')],
  },
  {
    why: 'the user is renamed, also by a database that then fails',
    conf: file('a') + file('b'),
    files: {
      a: 'joe:{PLAIN}one:::::: user=jim n=%u\nann:{PLAIN}one:::::: username=jim domain=x.org\njim:{PLAIN}jimspw\n',
      b: 'jim:{PLAIN}two:::::: found=%u/%{orig_user}\njoe:{PLAIN}three\n',
    },
    attempts: [at('joe', 'one'), at('joe', 'two'), at('joe', 'three'), at('ann', 'one'), at('ann@y', 'one')],
    lookups: ['joe', 'ann'],
  },
  {
    why: 'renaming keeps, adds and replaces domains',
    conf:
      file('a', 'result_success = continue') +
      fixed('nopassword=y o=%{orig_user} od=%{orig_domain} u=%u n=%n d=%d au=%{auth_user}'),
    files: {
      a: 'joe@x:{PLAIN}s:::::: username=jim\nann@x:{PLAIN}s:::::: domain=z\nbob:{PLAIN}s:::::: domain=z\neve@x:{PLAIN}s:::::: username=e@w\n',
    },
    attempts: [at('joe@x', 's'), at('ann@x', 's'), at('bob', 's'), at('eve@x', 's')],
  },
  {
    why: 'an empty new name fails the database',
    conf: file('a') + file('b'),
    files: { a: 'joe:{PLAIN}one:::::: user=\n', b: 'joe:{PLAIN}one:::::: from=b\n' },
    attempts: [at('joe', 'one')],
  },
  {
    why: 'allow_nets and allow_real_nets',
    conf: file('a'),
    files: {
      a: [
        'joe:{PLAIN}s:::::: allow_nets=10.0.0.0/8,192.0.2.1',
        'loc:{PLAIN}s:::::: allow_nets=local',
        'bad:{PLAIN}s:::::: allow_nets=mail,10.1.1.1',
        'real:{PLAIN}s:::::: allow_real_nets=10.0.0.0/8',
        'six:{PLAIN}s:::::: allow_nets=2001:db8::/32',
        '',
      ].join('\n'),
    },
    attempts: ['joe', 'loc', 'bad', 'real', 'six'].flatMap((user) =>
      [undefined, '10.1.1.1', '192.0.2.1', '192.0.2.2', '2001:db8::7'].map((rip) =>
        at(user, 's', rip === undefined ? undefined : { rip }),
      ),
    ),
  },
  {
    why: 'fail, and nologin with reason',
    conf: file('a') + file('b'),
    files: { a: 'joe:{PLAIN}s:::::: fail\nann:{PLAIN}s:::::: nologin reason=Bye\n', b: 'joe:{PLAIN}t\n' },
    attempts: [at('joe', 's'), at('joe', 't'), at('ann', 's')],
    lookups: ['joe', 'ann'],
  },
  {
    why: 'nopassword with an empty and with a real password',
    conf: file('a', 'result_failure = return') + file('b'),
    files: {
      a: 'joe::::::: nopassword\nann:{PLAIN}:::::: nopassword=y\nbob:{PLAIN}s:::::: nopassword\neve:::::::nopassword=no host=1.1.1.1\n',
    },
    attempts: [at('joe', 'x'), at('ann', 'x'), at('bob', 'x'), at('bob', 's'), at('eve', '')],
    lookups: ['joe', 'bob'],
  },
  {
    why: 'nopassword counts for one database only',
    conf: file('a', 'result_success = continue') + file('b'),
    files: { a: 'joe::::::: nopassword\nann::::::: nopassword\n', b: 'joe:{PLAIN}s\nann:::::::x=1\n' },
    attempts: [at('joe', 'x'), at('ann', 'x')],
  },
  {
    why: 'noauthenticate adds fields and leaves the decision to the next',
    conf: file('a') + file('b'),
    files: {
      a: 'joe::::::: noauthenticate host=1.1.1.1\nann:{PLAIN}q:::::: noauthenticate host=2.2.2.2\n',
      b: 'joe:{PLAIN}s:::::: port=1\nann:{PLAIN}s\n',
    },
    attempts: [at('joe', 's'), at('joe', 'x'), at('ann', 's'), at('ann', 'q')],
    lookups: ['joe'],
  },
  {
    why: 'noauthenticate in the last one is a temporary failure',
    conf: file('a'),
    files: { a: 'joe::::::: noauthenticate\n' },
    attempts: [at('joe', 's')],
    lookups: ['joe'],
  },
  {
    why: 'a password only in the second, after a database without one',
    conf: file('a', 'result_success = continue') + fixed('x=1'),
    files: { a: joe },
    attempts: both,
    lookups: ['joe'],
  },
  {
    why: 'static without a password',
    conf: fixed('host=10.0.0.1'),
    attempts: [at('joe', 'x')],
    lookups: ['joe'],
  },
  {
    why: 'static with %variables',
    conf: fixed('nopassword=y host=%d u=%u n=%Un s=%s m=%m l=%l r=%r p=%{lport} c=%c id=%! first=%3u'),
    attempts: [at('Joe@Example.org', 'x', { rip: '192.0.2.7', lip: '192.0.2.1', lport: '993', service: 'imap' })],
    lookups: ['Joe@Example.org'],
  },
  {
    why: 'delay_until that has passed, makes no sense, or is too far',
    conf: file('a'),
    files: {
      a: 'old:{PLAIN}s:::::: delay_until=1000+5\nbad:{PLAIN}s:::::: delay_until=abc\nplus:{PLAIN}s:::::: delay_until=1000+x\nfar:{PLAIN}s:::::: delay_until=99999999999\n',
    },
    attempts: ['old', 'bad', 'plus', 'far'].map((user) => at(user, 's')),
  },
  {
    why: 'prefetch alone',
    conf: file('a') + userdb('prefetch', '', 'default_fields = d=%u', 'override_fields = o=1'),
    files: {
      a: 'joe:{PLAIN}s:::::: userdb_home=/h userdb_mail=maildir:~/M userdb_d=mine\nann:{PLAIN}s\njim:{PLAIN}s:::::: userdb_user=jam\n',
    },
    sessions: [at('joe', 's'), at('ann', 's'), at('jim', 's')],
    users: ['joe'],
  },
  {
    why: 'prefetch before another userdb',
    conf: file('a') + userdb('prefetch', '') + userdb('static', 'home=/static/%u mail:protected=x'),
    files: { a: 'joe:{PLAIN}s:::::: userdb_home=/h userdb_mail=maildir:~/M\nann:{PLAIN}s\n' },
    sessions: [at('joe', 's'), at('ann', 's')],
    users: ['joe', 'ann', 'nobody'],
  },
  {
    why: 'userdb fields of the passdb without prefetch',
    conf: file('a') + userdb('static', 'home=/static/%u mail:protected=x m=%{userdb:mail}'),
    files: {
      a: 'joe:{PLAIN}s:::::: userdb_home=/h userdb_mail=maildir:~/M userdb_home2=%{userdb:home}\nann:{PLAIN}s\n',
    },
    sessions: [at('joe', 's'), at('ann', 's')],
  },
  {
    why: 'a user whom no userdb knows',
    conf: file('a') + userdb('passwd-file', 'DIR/u') + userdb('passwd-file', 'DIR/v'),
    files: { a: 'joe:{PLAIN}s\nann:{PLAIN}s\n', u: '', v: 'ann:x:1000:1000::/home/ann\n' },
    sessions: [at('joe', 's'), at('ann', 's')],
  },
  {
    why: 'master users with the separator',
    conf: `auth_master_user_separator = *\n${file('masters', 'master = yes')}${file('a')}`,
    files: { masters: 'admin:{PLAIN}adminpw:::::: m=%{login_user} x=1\n', a: joe },
    attempts: [
      at('joe*admin', 'adminpw'),
      at('joe*admin', 'secret'),
      at('nobody*admin', 'adminpw'),
      at('admin', 'adminpw'),
      at('*admin', 'adminpw'),
      at('joe*', 'x'),
    ],
    lookups: ['joe*admin', 'admin'],
  },
  {
    why: 'master users whose target must exist',
    conf: `auth_master_user_separator = *\n${file('masters', 'master = yes', 'result_success = continue')}${file('a')}`,
    files: {
      masters: 'admin:{PLAIN}adminpw:::::: x=%{master_user}\n',
      a: 'joe:{PLAIN}secret:::::: y=%{master_user} z=%{login_user}\n',
    },
    attempts: [
      at('joe*admin', 'adminpw'),
      at('joe*admin', 'secret'),
      at('nobody*admin', 'adminpw'),
      at('joe', 'secret'),
    ],
  },
  {
    why: 'master users by pass = yes, and by authorization id',
    conf: `auth_master_user_separator = *\n${file('masters', 'master = yes', 'pass = yes')}${file('a')}`,
    files: { masters: 'admin:{PLAIN}adminpw\n', a: joe },
    attempts: [
      { user: 'joe', password: 'adminpw', master: 'admin' },
      { user: 'nobody', password: 'adminpw', master: 'admin' },
      { user: 'joe', password: 'secret', master: 'joe' },
      { user: 'joe', password: 'secret', master: 'JOE' },
    ],
  },
  {
    why: 'a master login without master passdbs',
    conf: `auth_master_user_separator = *\n${file('a')}`,
    files: { a: joe },
    attempts: [at('joe*admin', 'x'), { user: 'joe', password: 'secret', master: 'admin' }],
  },
  {
    why: 'user names: realm, translation, characters, format',
    conf: `auth_default_realm = example.org\nauth_username_translation = "#@"\nauth_username_format = %Ln@%Ld\n${fixed('password=s u=%u o=%{orig_user}')}`,
    attempts: [at('Joe', 's'), at('JOE#Other.org', 's'), at('joe*x', 's'), at('joe x', 's'), at('a@b@c', 's')],
    lookups: ['Joe', 'joe*x'],
  },
  {
    why: 'passwd-file with %variables in the path and a format',
    conf: block('passdb', 'passwd-file', 'scheme=plain username_format=%n DIR/%d.users', []),
    files: { 'x.org.users': 'joe:secret:::::: d=%d\n', 'y.org.users': 'joe:other\n' },
    attempts: [
      at('joe@x.org', 'secret'),
      at('joe@y.org', 'other'),
      at('joe@x.org', 'other'),
      at('joe@z.org', 'secret'),
      at('joe', 'secret'),
    ],
    lookups: ['joe@x.org', 'joe@z.org'],
  },
  {
    why: 'old and odd lines of a passwd-file',
    conf: file('a') + userdb('passwd-file', 'DIR/a'),
    files: {
      a: [
        '# comment',
        '',
        ':nobody:',
        'only',
        'dup:{PLAIN}one:1:1::/h:/bin/sh:a=1',
        'dup:{PLAIN}two',
        'md5:5ebe2294ecd0e0f08eab7690d2a6ee69[34]:1000:1000',
        'old:{PLAIN}s:1000:1000::/home/old:/bin/sh::maildir:/var/mail/old',
        'new:{PLAIN}s:1000:1000::/home/new:/bin/sh:a=b:c:d userdb_mail=mbox:/x:y userdb_quota host=::1',
        'noids:{PLAIN}s:::::: x=1',
        'badid:{PLAIN}s:nosuchuser:1000::/h',
        'rootid:{PLAIN}s:0:0::/h',
        'nohome:{PLAIN}s:1000:1000',
        'crlf:{PLAIN}s:1000:1000::/h\r',
        'plain:secret',
      ].join('\n'),
    },
    attempts: ['only', 'dup', 'md5', 'old', 'new', 'noids', 'badid', 'rootid', 'nohome', 'crlf', 'plain'].flatMap(
      (user) => [at(user, 's'), at(user, 'secret'), at(user, 'one')],
    ),
    users: ['only', 'dup', 'md5', 'old', 'new', 'noids', 'nohome', 'crlf', 'nobody'],
  },
  {
    why: 'quotes and backslashes in the names of a passwd-file are escaped there',
    conf: `auth_username_chars =\n${file('a')}${userdb('passwd-file', 'DIR/a')}`,
    files: {
      a: "o'one:{PLAIN}s:1:1\no\\'two:{PLAIN}s:1:1\nb\\three:{PLAIN}s:1:1\nb\\\\four:{PLAIN}s:1:1\nü:{PLAIN}s:1:1::/ü\n",
    },
    attempts: ["o'one", "o'two", 'b\\three', 'b\\four', 'ü'].map((user) => at(user, 's')),
    users: ["o'one", "o'two", 'b\\four', 'ü'],
  },
  {
    why: 'hashes in several schemes, and broken ones',
    conf: file('a'),
    files: {
      a: [
        'sha:{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=',
        'md5:$1$/c5/c5/c$8hrbaIqkbb4EcWfEXi0t50',
        'unknown:{WHATEVER}x',
        'broken:{SHA256}!!!',
        'empty:',
        'brace:{PLAIN',
        '',
      ].join('\n'),
    },
    attempts: ['sha', 'unknown', 'broken', 'empty', 'brace'].flatMap((user) => [at(user, 'secret'), at(user, '')]),
    lookups: ['unknown', 'broken', 'empty'],
  },
  {
    why: 'databases of protocols, also of those that are no service here, and of all but one; their numbers',
    conf: `protocol smtp {\n${fixed('password=s from=smtp id=%!')}}\nprotocol !imap {\n${fixed('password=n from=not-imap id=%!')}}\n${file('a', 'override_fields = id=%!')}protocol lda {\n${userdb('static', 'home=/lda allow_all_users=yes')}}\n`,
    files: { a: joe },
    attempts: ['imap', 'pop3', 'smtp', 'doveadm'].flatMap((service) =>
      ['secret', 's', 'n'].map((password) => at('joe', password, { service })),
    ),
    lookups: ['joe'],
  },
  {
    why: 'userdb rules: static behind passwd-file',
    conf:
      file('a') +
      userdb(
        'passwd-file',
        'DIR/u',
        'default_fields = uid=1000 gid=1000 from=%u',
        'override_fields = over=%d',
        'result_success = continue-ok',
      ) +
      userdb('static', 'uid=2000 gid:protected=2000 home=/static/%u', 'skip = found') +
      userdb('static', 'last=yes home:protected=/last'),
    files: { a: `${joe}jane:{PLAIN}x\n`, u: 'joe:x:3000:3000::/home/joe::userdb_mail=x\n' },
    users: ['joe', 'jane', 'nobody'],
  },
  {
    why: 'userdb: result_failure = return, renaming, tempfail',
    conf: file('a') + userdb('passwd-file', 'DIR/u', 'result_failure = return') + userdb('static', 'home=/x'),
    files: {
      a: joe,
      u: 'joe:x:1000:1000::/h::userdb_user=jim userdb_x=%u\ntemp:x:1000:1000::/h::userdb_tempfail userdb_reason=later\n',
    },
    users: ['joe', 'temp', 'nobody'],
  },
  {
    why: 'userdb static asks the passdbs, unless told not to',
    conf: file('a') + userdb('static', 'uid=1000 gid=mail home=/srv/%d/%n'),
    files: { a: 'joe@x:{PLAIN}s\n' },
    users: ['joe@x', 'nobody@x'],
  },
  {
    why: 'userdb static with allow_all_users',
    conf: file('a') + userdb('static', 'uid=1000 gid=1000 home=/srv/%u allow_all_users=yes'),
    files: { a: joe },
    users: ['joe', 'nobody'],
  },
  {
    why: 'userdb fields from a passdb that is not prefetch',
    conf: file('a') + userdb('static', 'home=/s/%{userdb:mail:none} quota:protected=1 allow_all_users=yes'),
    files: { a: joe },
    users: ['joe'],
  },
]
