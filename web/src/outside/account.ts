import { useQuery } from "@tanstack/react-query";
import { overNetwork } from "@/api/client";
import { Problem } from "@/api/problem";

export interface OutsideCompany {
  name: string;
  main: string;
  conference: string;
  /** Of one's own company only. */
  conference_pin: string | null;
  own: boolean;
}

/** What a demo tells of its world outside (`app/demo/outside_route.py`); no other server has that route. */
export interface OutsideAccount {
  name: string;
  number: string;
  username: string;
  domain: string;
  password: string;
  socket: { port: number; secure: boolean };
  companies: OutsideCompany[];
}

export function useOutside(email: string | undefined) {
  return useQuery({
    queryKey: ["outside", email],
    enabled: email !== undefined,
    staleTime: Infinity,
    queryFn: async () => {
      const answer = await overNetwork(new Request("/api/v1/demo/outside-phone"));
      const told = await answer.json();
      if (!answer.ok) throw new Problem(told);
      return told as OutsideAccount;
    },
  });
}

/** `+84912345678` as it is written in Vietnam: `0912 345 678`. */
export function national(number: string): string {
  const digits = number.replace(/^\+84/, "0");
  const mobile = /^(0\d{3})(\d{3})(\d{3})$/.exec(digits);
  const landline = /^(02\d)(\d{4})(\d{4})$/.exec(digits);
  return (mobile ?? landline)?.slice(1).join(" ") ?? digits;
}
