/// The numbers that are finite as Float32: a larger one would become an infinity that shows only as a sick
/// step.
let float32Range =
  Double(-Float.greatestFiniteMagnitude)...Double(Float.greatestFiniteMagnitude)
