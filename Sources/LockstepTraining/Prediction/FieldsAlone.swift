import LockstepDatasets
import LockstepFiles

/// What examples look like, without any values: for a model that is given examples one by one.
struct FieldsAlone: ExampleSource {
  let name = "examples"
  let count = 1
  let inputFields: [ExampleField]
  let labelFields: [ExampleField] = []
  var fingerprint: Fingerprint {
    Fingerprint(of: inputFields.map(\.description).joined(separator: ", "))
  }
}
