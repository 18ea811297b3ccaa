// Rules of solhint for src/. What is off says why; everything else that finds something fails the suite.
"use strict";

module.exports = {
  extends: "solhint:recommended",
  rules: {
    // Stricter than recommended.
    "code-complexity": ["error", 10],
    "function-max-lines": ["error", 70],
    "max-line-length": ["error", 110],
    "no-inline-assembly": "error",
    "avoid-low-level-calls": "error",
    "avoid-tx-origin": "error",
    "compiler-version": ["error", "^0.8.30"],

    // Constructors have no visibility since 0.7; file-level functions of the libraries have none either.
    "func-visibility": ["error", { ignoreConstructors: true }],
    // A public immutable is the getter that the interface names, in mixed case.
    "immutable-vars-naming": ["error", { immutablesAsConstants: false }],

    // NatSpec stands in the interfaces; code says @inheritdoc, or @dev where there is something to say.
    "use-natspec": "off",
    // `try token.permit(..) {} catch {}`: a permit that was front-run has done its work.
    "no-empty-blocks": "off",
    // Bounds are written as the design states them; with the optimizer `<=` costs what `<` costs.
    "gas-strict-inequalities": "off",
    // Indexed are the fields that a node or a client filters by, and no others.
    "gas-indexed-events": "off",
    // The long strings are EIP-712 types inside keccak256, hashed at compile time.
    "gas-small-strings": "off",
    // Finds structs of the interfaces, which live in memory and calldata; packing is by hand in storage.
    "gas-struct-packing": "off",
  },
};
