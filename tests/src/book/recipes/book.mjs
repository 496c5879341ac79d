// Every recipe of the cookbook as one plugin: a component of JavaScript takes seconds to make.
// What imports them stands above.

/** Whose name would be two things. */
const twice = (names) => names.filter((name, place) => names.indexOf(name) < place);

export const behaviour = {
  describe() {
    const said = recipes.map((recipe) => recipe.describe());
    const all = (of) => said.flatMap(of);
    const doubled = twice(all(({ commands }) => commands.map(({ name }) => name)));
    if (doubled.length > 0) throw new TypeError(`two recipes have the command ${doubled}`);
    return {
      ...said[0],
      name: "book",
      summary: "Every recipe of the cookbook",
      subscriptions: {
        kinds: [...new Set(all(({ subscriptions }) => subscriptions.kinds))],
        platforms: [],
        messages: all(({ subscriptions }) => subscriptions.messages),
      },
      commands: all(({ commands }) => commands),
      config: all(({ config }) => config),
      capabilities: all(({ capabilities }) => capabilities),
    };
  },
  async handle(event) {
    for (const recipe of recipes) {
      const actions = await recipe.handle(event);
      if (actions.length > 0) return actions;
    }
    return [];
  },
};
