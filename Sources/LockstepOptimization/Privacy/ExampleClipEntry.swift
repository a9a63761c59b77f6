import LockstepCatalog
package import LockstepEngine

extension ExampleClip {
  package static let entry = Entry<ExampleClip>(
    "perExample",
    "each example's own gradient to a norm, before any are added up; stands first among clips "
      + "([privacy.md](privacy.md))",
    [.required("norm", .positive, "C: the norm that an example's gradient has at most")]
  ) { ExampleClip(norm: $0["norm"]) }
}

extension ClipCatalog {
  /// What a clip of a configuration may be: the chain's, or the one that acts before the chain.
  package static let form: Form = {
    var form = catalog.form
    form.variants.append(ExampleClip.entry.variant)
    return form
  }()
}
