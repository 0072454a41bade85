// A real OpenID Connect provider (npm: oidc-provider, certified) on a free port of loopback, for tests.
// `node tests/oidc_provider.mjs WAY_BACK`: prints its issuer once it listens; ends with its standard input.
// Whoever signs in is who they say: the login is an e-mail address, checked unless it begins with "unchecked".
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [wayBack] = process.argv.slice(2);
const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "genlyd",
        client_secret: "a-secret-of-forty-random-looking-letters-x",
        redirect_uris: [wayBack],
        grant_types: ["authorization_code"],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ["sub", "groups"], email: ["email", "email_verified"], profile: ["name"] },
    cookies: { keys: ["only for tests"] },
    async findAccount(_context, id) {
      const claims = () => ({
        sub: id,
        email: id,
        email_verified: !id.startsWith("unchecked"),
        name: id.split("@")[0],
        groups: [`group-${id.split("@")[0]}`],
      });
      return { accountId: id, claims };
    },
  });
  server.on("request", provider.callback());
  process.stdout.write(`${issuer}\n`);
});
process.stdin.on("end", () => process.exit(0)).resume();
