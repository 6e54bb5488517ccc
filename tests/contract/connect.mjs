// A public client, unchanged but for its base URL; each answer is printed as a line of JSON for the Python side.
export function connect(document, getClient, authorize) {
  const client = getClient();
  client.defaults.baseURL = process.env.BASE_URL;
  authorize(client, () => process.env.TOKEN);
  return async (operation, ...parameters) => {
    let answer;
    try {
      answer = await client[operation](...parameters);
    } catch (error) {
      if (!error.response) throw error;
      answer = error.response;
    }
    console.log(JSON.stringify({ document, operation, status: answer.status, body: answer.data === "" ? null : answer.data }));
    return answer.data;
  };
}
