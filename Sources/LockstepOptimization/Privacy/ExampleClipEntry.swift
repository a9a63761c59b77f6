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
