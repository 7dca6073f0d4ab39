/**
 * Stored passwords that Dovecot 2.3.19 made or verified (`doveadm pw`), for the password `pass` or the UTF-8 text `Pa55wörd!`.
 * DIGEST-MD5 ones are for the user in the third place, joe@example.com where there is none.
 */
export const passwordHashes: readonly {
  readonly what: string
  readonly password: string
  readonly stored: string
  readonly user?: string
}[] = [
  { what: 'PLAIN', password: 'pass', stored: '{PLAIN}pass' },
  { what: 'PLAIN', password: 'Pa55wörd!', stored: '{PLAIN}Pa55wörd!' },
  { what: 'PLAIN-TRUNC', password: 'pass', stored: '{PLAIN-TRUNC}3-pas' },
  { what: 'PLAIN-TRUNC', password: 'Pa55wörd!', stored: '{PLAIN-TRUNC}9-Pa55wörd' },
  { what: 'CRYPT', password: 'pass', stored: '{CRYPT}$2y$05$fgy6T.TAkIx1D8En3G6zru96dHOpfLNQspZvaJz6Fh7BDYBce5tkW' },
  {
    what: 'CRYPT',
    password: 'Pa55wörd!',
    stored: '{CRYPT}$2y$05$PkYoBw4iH15v273kyEhI4OBkYmtR09RcBf4f00sF0C/70FChQ0LAG',
  },
  { what: 'DES-CRYPT', password: 'pass', stored: '{DES-CRYPT}85OW6.qRfHmWI' },
  { what: 'DES-CRYPT', password: 'Pa55wörd!', stored: '{DES-CRYPT}DPWsHMIlAaIi.' },
  { what: 'MD5', password: 'pass', stored: '{MD5}$1$VknvCkX/$f4kMtPlRRvUawZp6uMewz0' },
  { what: 'MD5', password: 'Pa55wörd!', stored: '{MD5}$1$mluzd28M$6jHb40MPArz3OVggW95yj0' },
  { what: 'MD5-CRYPT', password: 'pass', stored: '{MD5-CRYPT}$1$vWes10Gf$Zzp0VYUBqnA8tQicf9A5L1' },
  { what: 'MD5-CRYPT', password: 'Pa55wörd!', stored: '{MD5-CRYPT}$1$lmxxdHET$AQxTg0lVhPJvuJXUx.nW5.' },
  {
    what: 'SHA256-CRYPT',
    password: 'pass',
    stored: '{SHA256-CRYPT}$5$N/YgFPpDJ.3N0UeO$q6RFNeD/0BbaX3/I3NjJTrmwq69Yc252nUvQeV/3mh1',
  },
  {
    what: 'SHA256-CRYPT',
    password: 'Pa55wörd!',
    stored: '{SHA256-CRYPT}$5$3hvowzSkleOgc.ig$AXunXEqtmtWJfBOFLggQSv6X9p5B5CS18VFSS/JjuhD',
  },
  {
    what: 'SHA512-CRYPT',
    password: 'pass',
    stored:
      '{SHA512-CRYPT}$6$8ZJ2HmCwx8B2gI7.$rqNUlsAFnsUl7CYb2zJqQqTdLX3oMmnASFQHidIoFW2OgxzWHYlp473GvTQb8KNjGN5Zuw2v2y7V5uTGjbTzt1',
  },
  {
    what: 'SHA512-CRYPT',
    password: 'Pa55wörd!',
    stored:
      '{SHA512-CRYPT}$6$A1TaaKgY6ADDYRH6$IzvgK3TWO0f1QTbE1IUUJM3.ie49CufcMVQrxaEFy06RKtMJBh.XyFeA7rcWQ6GVkrip93IAOWYrBSIBrvnoS0',
  },
  {
    what: 'BLF-CRYPT',
    password: 'pass',
    stored: '{BLF-CRYPT}$2y$05$VwPWQ9GfnUKHx7JRpxQuAuUWe68jfsAQ2.ybc6HWLgzDioZB.DWJW',
  },
  {
    what: 'BLF-CRYPT',
    password: 'Pa55wörd!',
    stored: '{BLF-CRYPT}$2y$05$vADzQTYUv4SZgAXoSzNEtO7Br9nxiFdESJqRU9jQNa25MaYzjQgTG',
  },
  {
    what: 'ARGON2I',
    password: 'pass',
    stored: '{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$4kgeR3clFai6LTAcXndvNw$b790sbIoRp+pbC3ZmVV5rJWkWlehWXaqBb3y1PQ+smQ',
  },
  {
    what: 'ARGON2I',
    password: 'Pa55wörd!',
    stored: '{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$VCOkp6qr76ckG0ixNHocyg$pF4tQMOpKEgms6kCydh6dnLftQeMx9GjguVxJ5c4Zjg',
  },
  {
    what: 'ARGON2ID',
    password: 'pass',
    stored:
      '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$4j6ROqxiI/+WJxbo7L165g$DPGBAS3FL6wfcplFOpJU78N/9MK9IvdSEK6RInsAUFQ',
  },
  {
    what: 'ARGON2ID',
    password: 'Pa55wörd!',
    stored:
      '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$d3BHZJkj4gp5YFmqxwyaaA$kaaKCghSfxhpvAiJL3XSA9oMqDGgJfNuLe03rY1n7bI',
  },
  { what: 'PLAIN-MD4', password: 'pass', stored: '{PLAIN-MD4}52e9e9e4f1cd6d1abc78aa866d2a5509' },
  { what: 'PLAIN-MD4', password: 'Pa55wörd!', stored: '{PLAIN-MD4}6d85de379b173896e0d38c9a02ea6d49' },
  { what: 'PLAIN-MD5', password: 'pass', stored: '{PLAIN-MD5}1a1dc91c907325c69271ddf0c944bc72' },
  { what: 'PLAIN-MD5', password: 'Pa55wörd!', stored: '{PLAIN-MD5}e9ba1cc62b5f7a608490c943e64e55b9' },
  { what: 'LDAP-MD5', password: 'pass', stored: '{LDAP-MD5}Gh3JHJBzJcaScd3wyUS8cg==' },
  { what: 'LDAP-MD5', password: 'Pa55wörd!', stored: '{LDAP-MD5}6bocxitfemCEkMlD5k5VuQ==' },
  { what: 'SMD5', password: 'pass', stored: '{SMD5}6SG0z+26AsG1G++nRrsRvEwc588=' },
  { what: 'SMD5', password: 'Pa55wörd!', stored: '{SMD5}Z/rCoZ+LvvPS6x/SjxyWgX5K1y8=' },
  { what: 'SHA', password: 'pass', stored: '{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ=' },
  { what: 'SHA', password: 'Pa55wörd!', stored: '{SHA}E9xqUmWoH8AnLjIthZh1l/CfuvI=' },
  { what: 'SHA1', password: 'pass', stored: '{SHA1}nU4eI71bcnBGqeO0t9tXvY1u5oQ=' },
  { what: 'SHA1', password: 'Pa55wörd!', stored: '{SHA1}E9xqUmWoH8AnLjIthZh1l/CfuvI=' },
  { what: 'SHA256', password: 'pass', stored: '{SHA256}10/w7o2juYBrGMh32/KbveULW9jk2tejpyUAD+uC6PE=' },
  { what: 'SHA256', password: 'Pa55wörd!', stored: '{SHA256}vhB/mx3c7koDj2Y6HxNG7EN4IAfjtOIGEEfRtYmmo3w=' },
  {
    what: 'SHA512',
    password: 'pass',
    stored: '{SHA512}W3IrMH/ObJRJBdEyaR1eSiIUt/6StziSDrP846kEIKGVEcMBCg53ErBU2u9bV7rVnsvZOzKA8hBXj1R/Su1NJQ==',
  },
  {
    what: 'SHA512',
    password: 'Pa55wörd!',
    stored: '{SHA512}aMqz/Ced1sV4OBTKqZzxihILvFGMV7NtOsq78UEjmoQ1HJABS571FCl/RnSzEWHkDIujb0KIOBIoOkNxtasmdw==',
  },
  { what: 'SSHA', password: 'pass', stored: '{SSHA}UpJsU+NC6AL5y2iGT8v9XGpBMDiH8+uL' },
  { what: 'SSHA', password: 'Pa55wörd!', stored: '{SSHA}grRpW9jUpqwcR8hnLC2h/doCJ6MwiSWg' },
  { what: 'SSHA256', password: 'pass', stored: '{SSHA256}KOHtEG9SmacabAVyAywiYc+QR6vNas5CGwgXeTAjwErvlqMg' },
  { what: 'SSHA256', password: 'Pa55wörd!', stored: '{SSHA256}RjE/bhGMvIB6JienDYA9syrFt37ONGmciojJpE2ZeCQGHO7g' },
  {
    what: 'SSHA512',
    password: 'pass',
    stored: '{SSHA512}cud18nQdLzrba8X1dCQOX28UkQ0+ZX553jCPA6TRAn0JwdGdkY4kLlDLDeNxjThEEdzBXlrcyF05fT7feEj7Qr5sm8Q=',
  },
  {
    what: 'SSHA512',
    password: 'Pa55wörd!',
    stored: '{SSHA512}ms990kqVrL6PJX9XwwKvcbKTS1tY8qMKi1K+rGFru6Zr7W/+FcQwdf73VUSBDwHPOe8MZXuBC8sEV+FyNNVv2JprG6M=',
  },
  {
    what: 'PBKDF2',
    password: 'pass',
    stored: '{PBKDF2}$1$WyWao.rev3YpswhT$5000$03ef9a1fde33208a51a5010a199c80c7251ecffe',
  },
  {
    what: 'PBKDF2',
    password: 'Pa55wörd!',
    stored: '{PBKDF2}$1$f91jlD7hfcCms4pc$5000$7327b06efc49e2df5fe7766fd69bf308393fe9c1',
  },
  {
    what: 'SCRAM-SHA-1',
    password: 'pass',
    stored: '{SCRAM-SHA-1}4096,WK3OZgUlh87xi++e+aocZw==,a1pu9YuEuJvgNHCokcnKjSnzTZ4=,xxn3V18k9OCAQzLPryyetI2ibWw=',
  },
  {
    what: 'SCRAM-SHA-1',
    password: 'Pa55wörd!',
    stored: '{SCRAM-SHA-1}4096,Q002noHsMWwEMSmf94t82g==,uYDRl0u3D1qmxgSNg9yBQZNCDYQ=,mDZiiLsr4RtvLYbIOAMP5rQltoc=',
  },
  {
    what: 'SCRAM-SHA-256',
    password: 'pass',
    stored:
      '{SCRAM-SHA-256}4096,MRYVgxf4OIly12FTM4C1dg==,WbI+p6LUx1m1KvxEErcUzjcHe97u33Fa/Cm5hspA1Ns=,ryX7xHnsDgTiDqZ/fCVY81MvdR3aLyVXnU1VmxdbkuM=',
  },
  {
    what: 'SCRAM-SHA-256',
    password: 'Pa55wörd!',
    stored:
      '{SCRAM-SHA-256}4096,O1RVHeeD1KgLAAHULRa1UA==,2fm/rLrBtWwOBq5Cr+tBhl9on0MWzPGQ0U8086b3bW0=,eLXh5hHCIm7PFnXCOXvqvsCuvcL4pYdKwIELxfRjgKo=',
  },
  {
    what: 'CRAM-MD5',
    password: 'pass',
    stored: '{CRAM-MD5}ff5d74b19e3cb9b2b9f4fcb548fe023aeb44f67f231a5a89714d08b5fec22b78',
  },
  {
    what: 'CRAM-MD5',
    password: 'Pa55wörd!',
    stored: '{CRAM-MD5}05a85fefc010877d29848fe15a9fd2bd031f7864b56cc17b99cff55c970eb5c4',
  },
  {
    what: 'HMAC-MD5',
    password: 'pass',
    stored: '{HMAC-MD5}ff5d74b19e3cb9b2b9f4fcb548fe023aeb44f67f231a5a89714d08b5fec22b78',
  },
  {
    what: 'HMAC-MD5',
    password: 'Pa55wörd!',
    stored: '{HMAC-MD5}05a85fefc010877d29848fe15a9fd2bd031f7864b56cc17b99cff55c970eb5c4',
  },
  { what: 'DIGEST-MD5', password: 'pass', stored: '{DIGEST-MD5}e607a2d46c18610fcb37cbbeccd1cfcb' },
  { what: 'DIGEST-MD5', password: 'Pa55wörd!', stored: '{DIGEST-MD5}6f9df74a608c338fcb84011956ae2b2a' },
  { what: 'OTP', password: 'pass', stored: '{OTP}sha1 1024 29f8f8637f745149 84aa281ffad27b65' },
  { what: 'OTP', password: 'Pa55wörd!', stored: '{OTP}sha1 1024 48e348c17ddc9b36 707831fe821b0f6c' },
  {
    what: 'SHA512-CRYPT -r 10000',
    password: 'pass',
    stored:
      '{SHA512-CRYPT}$6$rounds=10000$5GEp0iTVXrDsREcg$cCFZqmh/Um1GxexBRylNrfKWjoULwt/tz63.9jliDCug68T2C5dARZoDj59kfjWoDQoi5R5zLeUpBf9YhLrc3/',
  },
  {
    what: 'SHA256-CRYPT -r 10000',
    password: 'pass',
    stored: '{SHA256-CRYPT}$5$rounds=10000$lHf4rMwlxkSZCt7r$ErLPrTPdHw.gIK9HZl2jCHwnBwX.UitAkMwVG925Kg0',
  },
  {
    what: 'BLF-CRYPT -r 8',
    password: 'pass',
    stored: '{BLF-CRYPT}$2y$08$udOkyMsWdQwbiYnHVlm/eOpSBrM0uHRldEL3SMYY1mSVpFdUDdzGK',
  },
  {
    what: 'PBKDF2 -r 10000',
    password: 'pass',
    stored: '{PBKDF2}$1$WCUi8aWCtgW4qGEB$10000$e6e1d83ecf0a4413522a1792ea2bec4f3cb06c26',
  },
  { what: 'SSHA.hex', password: 'pass', stored: '{SSHA.HEX}e581eef4855fb138bacfa42f0a4d22e4fc004f6b52f94625' },
  { what: 'SSHA256.b64', password: 'pass', stored: '{SSHA256.B64}Su9X6+H0ojER/LPpdJf/aWc/AoxnqUGLjcLsndEKLXQPTj/i' },
  { what: 'SHA1.hex', password: 'pass', stored: '{SHA1.HEX}9d4e1e23bd5b727046a9e3b4b7db57bd8d6ee684' },
  {
    what: 'SHA256.hex',
    password: 'pass',
    stored: '{SHA256.HEX}d74ff0ee8da3b9806b18c877dbf29bbde50b5bd8e4dad7a3a725000feb82e8f1',
  },
  { what: 'PLAIN.b64', password: 'pass', stored: '{PLAIN.B64}cGFzcw==' },
  { what: 'PLAIN.hex', password: 'pass', stored: '{PLAIN.HEX}70617373' },
  { what: 'PLAIN-MD5.b64', password: 'pass', stored: '{PLAIN-MD5.B64}Gh3JHJBzJcaScd3wyUS8cg==' },
  { what: 'LDAP-MD5.hex', password: 'pass', stored: '{LDAP-MD5.HEX}1a1dc91c907325c69271ddf0c944bc72' },
  { what: 'CRAM-MD5.b64', password: 'pass', stored: '{CRAM-MD5.B64}/110sZ48ubK59Py1SP4COutE9n8jGlqJcU0Itf7CK3g=' },
  { what: 'DIGEST-MD5.b64', password: 'pass', stored: '{DIGEST-MD5.B64}5gei1GwYYQ/LN8u+zNHPyw==' },
  {
    what: 'SHA512-CRYPT.b64',
    password: 'pass',
    stored:
      '{SHA512-CRYPT.B64}JDYkV3MzMnovdTVzUzkxRDFKUiRmMS9BM2tpLnlFWUxzQ2lZaXR0TFR3ZmxLTjFRd084M3pUM2dhWld5YmIyeHJ0dmx2bkhJR2I1NXRpOW5Rb0lHNEd5T3AyT2MxMkxPdFpoMVRDTjNPMQ==',
  },
  {
    what: 'CRYPT yescrypt',
    password: 'pass',
    stored: '{CRYPT}$y$j9T$F5Jx5fExrKuPp53xLKQ..1$YP0stL6kdhTxZHyKcn31A0B0eVQQETG9Sia9T6wA4Y9',
  },
  { what: 'SHA (hex guessed)', password: 'pass', stored: '{SHA}9d4e1e23bd5b727046a9e3b4b7db57bd8d6ee684' },
  { what: 'MD5 (plain hex)', password: 'pass', stored: '{MD5}1a1dc91c907325c69271ddf0c944bc72' },
  { what: 'PLAIN-MD5 (b64 guessed)', password: 'pass', stored: '{PLAIN-MD5}Gh3JHJBzJcaScd3wyUS8cg==' },
  {
    what: 'DIGEST-MD5, empty realm',
    password: 'pass',
    stored: '{DIGEST-MD5}2814e3681dd639598d2fcef930e5aada',
    user: 'joe',
  },
  {
    what: 'DIGEST-MD5, the case matters',
    password: 'pass',
    stored: '{DIGEST-MD5}5c928ba3bf86c75c4079906a66fa7585',
    user: 'joe@Example.COM',
  },
  { what: 'SHA, blank within base64', password: 'pass', stored: '{SHA}nU4eI71bcn BGqeO0t9tXvY1u5oQ=' },
  { what: 'SHA, blank before base64', password: 'pass', stored: '{SHA} nU4eI71bcnBGqeO0t9tXvY1u5oQ=' },
  { what: 'SHA, unused bits set', password: 'pass', stored: '{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oR=' },
  { what: 'SHA, upper case hex', password: 'pass', stored: '{SHA}9D4E1E23BD5B727046A9E3B4B7DB57BD8D6EE684' },
  {
    what: 'CRYPT $2x$',
    password: 'pass',
    stored: '{CRYPT}$2x$05$fgy6T.TAkIx1D8En3G6zru96dHOpfLNQspZvaJz6Fh7BDYBce5tkW',
  },
  {
    what: 'CRYPT $2a$',
    password: 'pass',
    stored: '{CRYPT}$2a$05$fgy6T.TAkIx1D8En3G6zru96dHOpfLNQspZvaJz6Fh7BDYBce5tkW',
  },
  {
    what: 'CRYPT $2b$',
    password: 'pass',
    stored: '{CRYPT}$2b$05$fgy6T.TAkIx1D8En3G6zru96dHOpfLNQspZvaJz6Fh7BDYBce5tkW',
  },
  {
    what: 'SHA512-CRYPT of another kind',
    password: 'pass',
    stored: '{SHA512-CRYPT}$1$VknvCkX/$f4kMtPlRRvUawZp6uMewz0',
  },
  { what: 'bare MD5 crypt with more behind', password: 'pass', stored: '$1$VknvCkX/$f4kMtPlRRvUawZp6uMewz0$foo' },
  { what: 'MD5, base64', password: 'pass', stored: '{MD5}Gh3JHJBzJcaScd3wyUS8cg==' },
  { what: 'PLAIN-TRUNC, not truncated', password: 'pass', stored: '{PLAIN-TRUNC}4-pass' },
  { what: 'PLAIN-TRUNC, shorter than it says', password: 'pas', stored: '{PLAIN-TRUNC}4-pas' },
  {
    what: 'PBKDF2, upper case',
    password: 'pass',
    stored: '{PBKDF2}$1$WyWao.rev3YpswhT$5000$03EF9A1FDE33208A51A5010A199C80C7251ECFFE',
  },
  {
    what: 'SCRAM-SHA-1, unpadded salt',
    password: 'pass',
    stored: '{SCRAM-SHA-1}4096,WK3OZgUlh87xi++e+aocZw,a1pu9YuEuJvgNHCokcnKjSnzTZ4=,xxn3V18k9OCAQzLPryyetI2ibWw=',
  },
  {
    what: 'ARGON2ID holding argon2i',
    password: 'pass',
    stored:
      '{ARGON2ID}$argon2i$v=19$m=32768,t=4,p=1$4kgeR3clFai6LTAcXndvNw$b790sbIoRp+pbC3ZmVV5rJWkWlehWXaqBb3y1PQ+smQ',
  },
  {
    what: 'OTP, upper case seed and hash',
    password: 'pass',
    stored: '{OTP}sha1 1024 29F8f8637f745149 84AA281ffad27b65',
  },
  { what: 'lower case scheme', password: 'pass', stored: '{plain}pass' },
  { what: 'PLAIN, empty', password: '', stored: '{PLAIN}' },
  { what: 'CRYPT NT hash', password: 'password', stored: '{CRYPT}$3$$8846f7eaee8fb117ad06bdd830b7586c' },
  { what: 'LDAP-MD5, hex guessed', password: 'pass', stored: '{LDAP-MD5}1a1dc91c907325c69271ddf0c944bc72' },
  { what: 'CLEAR', password: 'pass', stored: '{CLEAR}pass' },
  {
    what: 'SHA256-CRYPT within CRYPT',
    password: 'pass',
    stored: '{CRYPT}$5$rounds=10000$lHf4rMwlxkSZCt7r$ErLPrTPdHw.gIK9HZl2jCHwnBwX.UitAkMwVG925Kg0',
  },
]
