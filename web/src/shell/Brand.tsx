/** Our name and sign: a board of switches. */
export function Brand() {
  return (
    <div className="brand">
      <img src="/icon.svg" alt="" width={30} height={30} />
      tongdai
    </div>
  );
}
