/**
 * The key of a server that wants one: it is exchanged for a cookie that no script can read, and kept nowhere else.
 *
 * What is remembered is the name of its user, so that the page can offer to log out.
 */

const post = (path, body) =>
  fetch(path, {method: 'POST', body: JSON.stringify(body), headers: {'content-type': 'application/json'}, cache: 'no-store'});

/** Exchange a key; return {user} or {status, afterS}: the status is 0 where no answer came. */
export async function logIn(key) {
  try {
    const response = await post('api/login', {key});
    if (!response.ok) return {status: response.status, afterS: Number(response.headers.get('retry-after') ?? 0)};
    return {user: (await response.json()).user};
  } catch {
    return {status: 0, afterS: 0};
  }
}

/** Give the cookie back; return whether the server has taken it. */
export async function logOut() {
  try {
    return (await post('api/logout', {})).ok;
  } catch {
    return false;
  }
}

/** Return what becomes of a key that an earlier version has kept: choices to change, nothing where no answer came. */
export async function exchanged({key}) {
  if (key === undefined) return {};
  const {user, status = 200} = await logIn(key);
  if (user !== undefined) return {key: undefined, user};
  return status === 0 || status === 429 || status >= 500 ? {} : {key: undefined};
}
