// What is imported from these packages where they are named, and called by nothing that parlor does.
export default undefined;
export const minify = undefined;
